import { describe, expect, test } from 'vitest';
import { readManifest } from '../fixtures/image.ts';
import type { Box } from './box.ts';

/**
 * `systemd-analyze security` rates from 0 (locked in) to 10. What the agent cannot have: MemoryDenyWriteExecute (it
 * compiles just in time), PrivateNetwork and IP address lists (it serves a page), RootDirectory.
 */
const EXPOSURE_MAX = 2.5;
/** Set by RuntimeWatchdogSec of the image. */
const WATCHDOG_S = 60;

/** Lines of priority `err` and above that a healthy boot on QEMU may have, each with its reason. */
const KNOWN_ERRORS: readonly { line: RegExp; why: string }[] = [
  { line: /MP-BIOS bug: 8254 timer/, why: 'the timer of the emulated board' },
  {
    line: /^watchdog: watchdog\d: watchdog did not stop!$/,
    why: 'the initrd arms it by opening it, and it shall not stop',
  },
  { line: /^Failed to find module 'autofs4'$/, why: 'no unit of the image is an automount' },
];

export function describeHardening(box: () => Box): void {
  describe('the running system is locked down', () => {
    test('the agent runs as msp with one capability and without a way to more', async () => {
      const pid = await box().sh('systemctl show -P MainPID compliance-agent');
      const status = await box().sh(`cat /proc/${pid}/status`);
      expect(status).toMatch(/^Uid:\s+900\s+900\s+900\s+900$/m);
      // Bit 10 is CAP_NET_BIND_SERVICE, capabilities(7).
      for (const set of ['CapPrm', 'CapEff', 'CapBnd', 'CapAmb'])
        expect(status).toMatch(new RegExp(`^${set}:\\s+0*400$`, 'm'));
      expect(status).toMatch(/^NoNewPrivs:\s+1$/m);
      expect(status).toMatch(/^Seccomp:\s+2$/m);
    });

    test('systemd confines the agent as the unit says', async () => {
      const text = await box().sh('systemctl show compliance-agent');
      const shown = new Map(
        text.split('\n').map((line) => [line.split('=', 1)[0], line.slice(line.indexOf('=') + 1)]),
      );
      const wanted = {
        User: 'msp',
        NoNewPrivileges: 'yes',
        CapabilityBoundingSet: 'cap_net_bind_service',
        AmbientCapabilities: 'cap_net_bind_service',
        ProtectSystem: 'strict',
        ProtectHome: 'yes',
        PrivateTmp: 'yes',
        PrivateDevices: 'yes',
        ProtectKernelTunables: 'yes',
        ProtectKernelModules: 'yes',
        ProtectKernelLogs: 'yes',
        ProtectControlGroups: 'yes',
        ProtectClock: 'yes',
        ProtectProc: 'invisible',
        RestrictNamespaces: 'yes',
        RestrictSUIDSGID: 'yes',
        LockPersonality: 'yes',
        Restart: 'always',
        WatchdogUSec: '1min',
        DevicePolicy: 'closed',
      };
      expect(Object.fromEntries(Object.keys(wanted).map((key) => [key, shown.get(key)]))).toEqual(wanted);
    });

    test('systemd itself rates the agent as well protected', async () => {
      const verdict = await box().sh(
        'systemd-analyze security --no-pager compliance-agent.service | tail -n 1',
      );
      process.stdout.write(`agent: ${verdict}\n`);
      const exposure = Number(/level for compliance-agent\.service: ([\d.]+)/.exec(verdict)?.[1]);
      expect(exposure).toBeLessThanOrEqual(EXPOSURE_MAX);
    });

    test('the root is the verified image and cannot be written', async () => {
      const [target] = (await box().sh('dmsetup table root')).split('\n');
      const { verity } = readManifest();
      expect(target).toContain(' verity 1 ');
      expect(target).toContain(verity.root_hash);
      expect(target).toContain('panic_on_corruption');
      expect(await box().sh('dmsetup status root')).toMatch(/verity V$/);
      expect(await mountOf(box(), '/')).toMatch(/erofs ro,/);
      expect(await mountOf(box(), '/boot')).toMatch(/vfat ro,.*nodev/);
      expect(await mountOf(box(), '/var/lib/msp')).toMatch(/ext4 rw,.*nosuid.*nodev/);
      for (const path of ['/usr/bin/planted', '/etc/planted', '/boot/planted']) {
        const { code, stderr } = await box().try(`touch ${path}`);
        expect(code).not.toBe(0);
        expect(stderr).toContain('Read-only file system');
      }
    });

    test('a hang of the kernel or of systemd ends in a restart', async () => {
      const commandLine = await box().sh('cat /proc/cmdline');
      for (const word of ['panic=10', 'oops=panic', 'softlockup_panic=1'])
        expect(commandLine).toContain(word);
      const files = '/proc/sys/kernel/panic /proc/sys/kernel/panic_on_oops /proc/sys/kernel/softlockup_panic';
      expect((await box().sh(`cat ${files}`)).split('\n')).toEqual(['10', '1', '1']);
      const dog = '/sys/class/watchdog/watchdog0';
      expect((await box().sh(`cat ${dog}/state ${dog}/timeout ${dog}/identity`)).split('\n')).toEqual([
        'active',
        String(WATCHDOG_S),
        'i6300ESB timer',
      ]);
      expect((await box().sh('systemctl show -P RuntimeWatchdogUSec')).trim()).toBe('1min');
      expect(await box().sh('cat /run/bulkhead/initrd.env')).toContain('watchdog=armed');
      expect((await box().status()).system.watchdog).toEqual({
        present: true,
        identity: 'i6300ESB timer',
        timeout_s: WATCHDOG_S,
      });
    });

    test('no unit has failed and no job waits', async () => {
      expect(await box().sh('systemctl list-units --failed --no-legend --plain')).toBe('');
      await expect.poll(() => box().sh('systemctl list-jobs --no-legend'), { timeout: 120_000 }).toBe('');
      expect(await box().sh('systemctl is-system-running')).toBe('running');
    });

    test('the journal has no line of priority error but those that have a reason', async () => {
      const lines = (await box().sh('journalctl -b -p err -o cat --no-pager'))
        .split('\n')
        .filter((line) => line !== '');
      expect(lines.filter((line) => !KNOWN_ERRORS.some((known) => known.line.test(line)))).toEqual([]);
    });
  });
}

/** `FSTYPE OPTIONS` of a mount point. */
const mountOf = (box: Box, path: string) => box.sh(`findmnt -rno FSTYPE,OPTIONS -M ${path}`);
