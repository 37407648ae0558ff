import { describe, expect, test } from 'vitest';
import { readManifest } from '../fixtures/image.ts';
import type { Box } from './box.ts';

/**
 * `systemd-analyze security` rates from 0 (locked in) to 10. No program of Bulkhead can have MemoryDenyWriteExecute (it
 * compiles just in time); what serves or asks has no PrivateNetwork; who writes partition tables or judges needs devices
 * and mounts as they are; who logs in is root and here to repair. A unit that is not listed stays below the last line.
 */
const EXPOSURE_MAX: readonly [unit: RegExp, exposure: number][] = [
  [/^(compliance-agent|bulkhead-site)\.service$/, 2],
  [/^bulkhead-(clock-keep|clock-save|boot-log)\.service$/, 2],
  [/^bulkhead-(setup|firewall|grow-data|update-conclude|update-reboot)\.service$/, 3.3],
  [/^bulkhead-(boot-deadline|gate-failed|install)\.service$/, 3.8],
  [/^msp-health-(gate|observe)\.service$/, 4.2],
  [/^bulkhead-update\.service$/, 4.8],
  [/^bulkhead-sshd\.service$/, 9.2],
  [/./, 5.5],
];
/** Set by RuntimeWatchdogSec of the image. */
const WATCHDOG_S = 60;

/** Lines of priority `err` and above that a healthy boot on QEMU may have, each with its reason. */
const KNOWN_ERRORS: readonly { line: RegExp; why: string }[] = [
  { line: /MP-BIOS bug: 8254 timer/, why: 'the timer of the emulated board' },
  {
    line: /^watchdog: watchdog\d: watchdog did not stop!$/,
    why: 'the initrd arms it by opening it, and it shall not stop',
  },
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
        WatchdogUSec: '20s',
        CPUQuotaPerSecUSec: '1s',
        DevicePolicy: 'closed',
      };
      expect(Object.fromEntries(Object.keys(wanted).map((key) => [key, shown.get(key)]))).toEqual(wanted);
    });

    test('systemd itself rates every service of the image as protected as its work allows', async () => {
      const folder = '/usr/lib/systemd/system';
      const units = (
        await box().sh(`cd ${folder} && ls bulkhead-*.service msp-*.service compliance-*.service`)
      )
        .split('\n')
        .map((unit) => unit.replace('@.', '@wlan0.'));
      expect(units.length).toBeGreaterThan(10);
      const rated: string[] = [];
      const over: string[] = [];
      for (const unit of units) {
        const said = await box().sh(`systemd-analyze security --no-pager ${unit} | tail -n 1`);
        const exposure = Number(/: ([\d.]+) /.exec(said)?.[1]);
        rated.push(`${unit} ${exposure}`);
        const most = EXPOSURE_MAX.find(([name]) => name.test(unit))?.[1] ?? 0;
        if (!(exposure <= most)) over.push(`${unit}: ${exposure}, at most ${most}`);
      }
      process.stdout.write(`exposure: ${rated.join(', ')}\n`);
      expect(over).toEqual([]);
    });

    test('all services together have a limit of memory, tasks and writes, the agent one of the processor', async () => {
      const slice = '/sys/fs/cgroup/system.slice';
      const limit = async (file: string) => box().sh(`cat ${slice}/${file}`);
      expect(Number(await limit('memory.max'))).toBeLessThan(2e9);
      expect(Number(await limit('memory.high'))).toBeLessThan(Number(await limit('memory.max')));
      expect(Number(await limit('pids.max'))).toBe(1024);
      expect(await limit('io.max')).toMatch(/^\d+:\d+ rbps=max wbps=100000000 /);
      expect(await limit('compliance-agent.service/cpu.max')).toMatch(/^100000 100000$/);
      expect(await limit('cpu.max')).toMatch(/^300000 100000$/);
      expect(Number(await limit('compliance-agent.service/memory.low'))).toBe(96 * 1024 * 1024);
    });

    test('when memory runs out, what runs in the background goes first, the agent late, the gate last', async () => {
      const adjusted = async (unit: string) =>
        Number(await box().sh(`systemctl show -P OOMScoreAdjust ${unit}`));
      const order = ['msp-health-observe', 'bulkhead-sshd', 'compliance-agent', 'msp-health-gate'];
      const scores = await Promise.all(order.map(adjusted));
      expect(scores).toEqual([...scores].sort((one, other) => other - one));
      expect(new Set(scores).size).toBe(order.length);
      const pid = await box().sh('systemctl show -P MainPID compliance-agent');
      expect(Number(await box().sh(`cat /proc/${pid}/oom_score_adj`))).toBe(
        await adjusted('compliance-agent'),
      );
    });

    test('locked down as they are, the small services still do their work', async () => {
      const saved = '/var/lib/msp/time/clock';
      const before = await box().sh(`stat -c %Y.%i ${saved} 2>/dev/null || echo none`);
      for (const unit of ['bulkhead-clock-save', 'bulkhead-setup', 'bulkhead-firewall', 'msp-health-observe'])
        await box().sh(`systemctl restart ${unit} || journalctl -b -u ${unit} -n 20 -o cat --no-pager >&2`);
      expect(await box().sh(`stat -c %Y.%i ${saved}`)).not.toBe(before);
      const results = await box().sh(
        "systemctl show -P Result 'bulkhead-*.service' 'msp-*.service' 'compliance-*.service' | grep . | sort -u",
      );
      expect(results).toBe('success');
    });

    test('no program gives its caller another user, and no file is there that needs one', async () => {
      expect(await box().sh('find / -xdev -perm /6000 -print')).toBe('');
    });

    test('a panic writes no firmware variable', async () => {
      expect(await box().sh('lsmod')).not.toContain('efi_pstore');
      expect(await box().sh('cat /sys/module/pstore/parameters/backend || true')).not.toContain('efi');
    });

    test('one watchdog is armed, the one that systemd feeds', async () => {
      const said = await box().sh('dmesg | grep "watchdog.* armed"');
      expect(said.split('\n')).toHaveLength(1);
      expect(said).toContain('/dev/watchdog0 armed');
      expect(await box().sh('cat /sys/class/watchdog/watchdog1/state 2>/dev/null || echo inactive')).toBe(
        'inactive',
      );
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
