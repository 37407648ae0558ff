import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { AGENT_STORE_FOLDER, SITE_STORE_FOLDER } from '../../base/paths.ts';
import { DATA_MOUNT } from '../../partitions/layout-names.ts';
import { parseModuleList } from './kernel-modules.ts';
import { WATCHDOG_HEARTBEAT_S } from './limits.ts';

/** Rules that hold between the initrd, the units and the medium's boot menu: each file alone looks right. */

const iso = join(import.meta.dirname, '..');
const read = (path: string) => readFileSync(join(iso, path), 'utf8');
const init = read('initrd/init');
const units = 'rootfs/usr/lib/systemd/system';
const folder = mkdtempSync(join(tmpdir(), 'bulkhead-rules-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** A number that the initrd sets. */
const seconds = (name: string) => Number(new RegExp(`^${name}=(\\d+)`, 'm').exec(init)?.[1]);

describe('the watchdog', () => {
  test('waits longer than the initrd may wait for a disk and stay silent, with a minute to spare', () => {
    expect(seconds('ROOT_WAIT_S') + seconds('FEED_S') + 60).toBeLessThanOrEqual(WATCHDOG_HEARTBEAT_S);
    expect(3 * seconds('FEED_S')).toBeLessThan(WATCHDOG_HEARTBEAT_S);
  });

  test('is fed during every repair of the data partition', () => {
    const calls = [...init.matchAll(/^\s*(\w+) e2fsck -/gm)].map(([, caller]) => caller);
    expect(calls).toEqual(['fed', 'fed']);
  });

  test('is one: what systemd does not feed later is not armed', () => {
    expect(init).not.toContain('watchdog1');
  });

  // The function itself, as it stands in the initrd, with a file in place of the watchdog.
  const fed = (command: string) => {
    const dog = join(folder, `dog-${crypto.randomUUID()}`);
    const body = /^fed\(\) \{\n[\s\S]*?^\}/m.exec(init)?.[0] ?? '';
    expect(body).toContain('$DOG');
    const settings = `armed=armed DOG=${dog} FEED_S=1 FSCK_DEADLINE_S=3`;
    const { status } = spawnSync('sh', ['-c', `${settings}\n${body}\nfed ${command}`]);
    return { status, dog };
  };

  test('hears of a repair that takes long and not of one that is over at once; the result comes through', () => {
    const slow = fed("sh -c 'sleep 2.5; exit 3'");
    expect([slow.status, readFileSync(slow.dog, 'latin1')]).toEqual([3, '\n\n']);
    const quick = fed("sh -c 'exit 8'");
    expect(quick.status).toBe(8);
    expect(() => readFileSync(quick.dog)).toThrow(/ENOENT/);
  });

  test('hears no more of a repair that goes on after its deadline', async () => {
    const hung = fed('sleep 60');
    // 124 is the host's timeout; that of the initrd says 143.
    expect(hung.status).toBe(124);
    const heard = readFileSync(hung.dog, 'latin1').length;
    expect(heard).toBeLessThanOrEqual(3);
    await Bun.sleep(1500);
    expect(readFileSync(hung.dog, 'latin1').length).toBe(heard);
  });
});

test('the deadline of a boot counts from systemd on: a repair in the initrd may take longer than it', () => {
  const timer = read(`${units}/bulkhead-boot-deadline.timer`);
  expect(timer).toMatch(/^OnStartupSec=8min$/m);
  expect(timer).not.toContain('OnBootSec');
});

describe('every service of the image', () => {
  const services = readdirSync(join(iso, units))
    .filter((name) => name.endsWith('.service'))
    .map((name) => ({ name, text: read(`${units}/${name}`) }));

  test('gives up starting at some time, and takes no new privileges but for whoever logs in', () => {
    expect(services.length).toBeGreaterThan(20);
    for (const { name, text } of services) {
      expect(text, name).toMatch(/^TimeoutStartSec=\d+$/m);
      if (name !== 'bulkhead-sshd.service') expect(text, name).toMatch(/^NoNewPrivileges=yes$/m);
    }
  });

  test('starts without the folder of a service that is stopped: systemd takes that folder away with it', () => {
    const folders = services.flatMap(({ name, text }) =>
      [...text.matchAll(/^RuntimeDirectory=(\S+)$/gm)].map(([, folder]) => ({
        name,
        path: `/run/${folder}`,
      })),
    );
    expect(folders.map(({ path }) => path)).toContain('/run/bulkhead-agent');
    for (const { name, text } of services) {
      const others = folders.filter((folder) => folder.name !== name).map(({ path }) => path);
      const wanted = [...text.matchAll(/^(?:ReadWritePaths|ReadOnlyPaths|BindPaths)=(.*)$/gm)].flatMap(
        ([, paths = '']) => paths.split(' '),
      );
      expect(
        wanted.filter((path) => others.includes(path)),
        `${name}: these need a '-' before them`,
      ).toEqual([]);
    }
  });

  test('is understood by systemd in every line', () => {
    const paths = services.map(({ name }) => join(iso, units, name));
    const { stderr } = spawnSync('systemd-analyze', ['security', '--offline=true', '--no-pager', ...paths], {
      encoding: 'utf8',
    });
    // Since systemd 254; the image has 257, this computer may have an older one.
    const newer = /Unknown key '(RestartSteps|RestartMaxDelaySec)' in section \[Service\]/;
    const complaints = stderr.split('\n').filter((line) => line.includes(iso) && !newer.test(line));
    expect(complaints).toEqual([]);
  });
});

/** Services that keep something: each in a file system of fixed size, mounted from a file that it cannot reach. */
const PLACES = [
  { service: 'compliance-agent.service', store: 'bulkhead-agent-store.service', place: AGENT_STORE_FOLDER },
  { service: 'bulkhead-site.service', store: 'bulkhead-site-store.service', place: SITE_STORE_FOLDER },
];

test('what does not run as root cannot write to the data partition, so it cannot fill it', () => {
  const places = /^(ReadWritePaths|BindPaths|StateDirectory|CacheDirectory|LogsDirectory)=.*$/gm;
  const unprivileged = readdirSync(join(iso, units))
    .filter((name) => name.endsWith('.service'))
    .map((name) => ({ name, text: read(`${units}/${name}`) }))
    .filter(({ text }) => /^(User=(?!root$)|DynamicUser=yes)/m.test(text));
  for (const { service } of PLACES) expect(unprivileged.map(({ name }) => name)).toContain(service);
  for (const { name, text } of unprivileged) {
    expect(text, name).toMatch(/^ProtectSystem=strict$/m);
    const own = PLACES.filter(({ service }) => service === name).map(
      ({ place }) => `ReadWritePaths=-${place}`,
    );
    expect(text.match(places) ?? [], name).toEqual(own);
  }
});

describe.each(PLACES)('the own place of $service', ({ service, store, place }) => {
  const unit = read(`${units}/${store}`);

  test('is not on the data partition but in a file system of its own', () => {
    expect(place.startsWith(`${DATA_MOUNT}/`)).toBe(false);
    expect(parseModuleList(read('modules.txt'))).toContainEqual({ class: 'initrd', name: 'loop' });
  });

  test('is there before the service starts, which the boot does not hang on', () => {
    expect(unit).toContain(`\nBefore=${service}\n`);
    expect(read(`${units}/${service}`)).not.toMatch(/^(Requires|BindsTo|Requisite)=/m);
    expect(unit).toMatch(/^TimeoutStartSec=\d+$/m);
    expect(read('rootfs/usr/lib/bulkhead/critical-units')).not.toContain(store);
  });

  test('is mounted where the service sees it: nothing gives the unit mounts of its own', () => {
    expect(unit).toMatch(/^SystemCallFilter=@system-service @mount$/m);
    const ownMounts =
      /^(Protect(System|Home|Proc|KernelTunables|KernelModules|KernelLogs|ControlGroups|Hostname)|Private(Tmp|Devices|Network|IPC|Mounts|Users)|ReadWritePaths|ReadOnlyPaths|InaccessiblePaths|BindPaths|TemporaryFileSystem|ProcSubset|MountFlags)=/m;
    expect(unit).not.toMatch(ownMounts);
  });
});

test('nothing of the image writes firmware variables by itself', () => {
  expect(parseModuleList(read('modules.txt')).map(({ name }) => name)).not.toContain('efi_pstore');
});

describe("the medium's boot menu", () => {
  const menu = read('grub/live.cfg');

  test.each(['live.cfg', 'live-early.cfg'])('%s is one that GRUB can read', (name) => {
    const checked = spawnSync('grub-script-check', [join(iso, 'grub', name)], { encoding: 'utf8' });
    expect([checked.status, checked.stderr]).toEqual([0, '']);
  });

  test('starts nothing over by itself: what went wrong stays on the screen', () => {
    expect(menu).toMatch(/ panic=0 systemd\.watchdog_sec=0 /);
    for (const script of [menu, read('grub/live-early.cfg')]) expect(script).not.toMatch(/^\s*reboot/m);
  });

  test('takes nothing from a serial line', () => {
    expect(menu).not.toMatch(/terminal_input/);
  });
});
