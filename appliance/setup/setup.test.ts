import { execFileSync } from 'node:child_process';
import {
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { run } from '../../base/run.ts';
import { makeFolder } from '../../test/unit/make-folder.ts';
import { migrateData } from './data-schema.ts';
import { executeActions } from './execute.ts';
import { setupPaths } from './paths.ts';
import { describeAction } from './plan.ts';
import { previewSetup, runSetup, type SetupEffects } from './setup.ts';

const ID = '0123456789abcdef0123456789abcdef\n';
const AGENT = { uid: 990, gid: 991 };
const KEY = (() => {
  const folder = makeFolder('key');
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'tech', '-f', join(folder, 'k')]);
  return readFileSync(join(folder, 'k.pub'), 'utf8').trim();
})();

/** The file system of an appliance right after the initrd, in a temporary folder. */
function appliance(config = '', initrd = 'data_state=ok\n') {
  const root = makeFolder('setup');
  const write = (path: string, text: string) => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  };
  write(
    'etc/passwd',
    `root:x:0:0::/root:/bin/sh\nmsp:x:${AGENT.uid}:${AGENT.gid}::/:/usr/sbin/nologin\nbulkhead-site:x:993:994::/:/usr/sbin/nologin\n`,
  );
  write('etc/machine-id', ID);
  write('proc/sys/kernel/hostname', 'bulkhead\n');
  write('run/bulkhead/initrd.env', initrd);
  write('usr/share/zoneinfo/UTC', 'TZif');
  write('usr/share/zoneinfo/Europe/Berlin', 'TZif');
  write('usr/lib/bulkhead/config.yaml', 'config_version: 1\n');
  write('var/lib/msp/identity/machine-id', ID);
  if (config) write('var/lib/msp/config.yaml', config);
  const effects: SetupEffects = {
    paths: setupPaths(root),
    run,
    now: () => new Date(1_800_000_000_000),
    environment: {},
  };
  return { root, effects, write, read: (path: string) => readFileSync(join(root, path), 'utf8') };
}

const canOwn = process.getuid?.() === 0;
/** Every file below a folder with mode, owner and content. */
function tree(folder: string): Record<string, string> {
  return Object.fromEntries(
    readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => {
      const path = join(folder, name);
      const stat = lstatSync(path);
      const content = stat.isSymbolicLink()
        ? readlinkSync(path)
        : stat.isFile()
          ? readFileSync(path, 'latin1')
          : '';
      return [name, `${stat.mode.toString(8)} ${stat.uid}:${stat.gid} ${content}`];
    }),
  );
}
const access = (root: string, path: string) => {
  const stat = statSync(join(root, path));
  return `${(stat.mode & 0o7777).toString(8)} ${stat.uid}:${stat.gid}`;
};

it.skipIf(!canOwn)('makes a first boot out of nothing but an empty data partition', async () => {
  const { root, effects, read } = appliance();
  const report = await runSetup(effects);
  expect(report).toMatchObject({ ok: true, failures: [], configProblems: [] });
  expect(report.notes).toEqual([
    'data schema 1 (new)',
    'device identity made',
    'key of the evidence made',
    'age key made',
  ]);
  expect(report.hostname).toBe(`bulkhead-${report.deviceId?.slice(0, 6)}`);
  expect(read('proc/sys/kernel/hostname')).toBe(`${report.hostname}\n`);
  expect(readdirSync(join(root, 'run/systemd/network'))).toEqual(['80-bulkhead-ethernet.network']);
  expect(readlinkSync(join(root, 'run/bulkhead/localtime'))).toBe('/usr/share/zoneinfo/UTC');
  expect(existsSync(join(root, 'run/bulkhead/ssh'))).toBe(false);
  expect(existsSync(join(root, 'var/lib/msp/identity/ssh'))).toBe(false);
  expect(read('var/lib/msp/schema')).toBe('1\n');
  expect(access(root, 'var/lib/msp/identity')).toBe(`750 0:${AGENT.gid}`);
  expect(access(root, 'var/lib/msp/identity/device.key')).toBe(`400 ${AGENT.uid}:${AGENT.gid}`);
  expect(access(root, 'var/lib/msp/evidence')).toBe('750 0:994');
  expect(access(root, 'var/lib/msp/evidence/evidence.key')).toBe('400 993:994');
  expect(access(root, 'var/lib/msp/health')).toBe(`750 0:${AGENT.gid}`);
  expect(JSON.parse(read('run/bulkhead/setup.json'))).toEqual(report);
});

it.skipIf(!canOwn)('leaves nothing on the data partition that the agent could fill it with', async () => {
  const { root, effects, write } = appliance();
  write('var/lib/msp/agent/cache/filler', 'x'.repeat(100_000));
  chownSync(join(root, 'var/lib/msp/agent'), AGENT.uid, AGENT.gid);
  await runSetup(effects);
  const data = join(root, 'var/lib/msp');
  expect(readdirSync(data)).not.toContain('agent');
  const own = readdirSync(data, { recursive: true, encoding: 'utf8' }).filter((name) => {
    const { uid, gid, mode } = lstatSync(join(data, name));
    return uid === AGENT.uid || (gid === AGENT.gid && (mode & 0o020) !== 0) || (mode & 0o002) !== 0;
  });
  // Its key, which it may only read; below the read-only mount of its unit it cannot change that either.
  expect(own).toEqual(['identity/device.key']);
});

it.skipIf(!canOwn)('changes nothing when it runs again', async () => {
  const { root, effects } = appliance(
    `ssh: {authorized_keys: ["${KEY}"]}\nnetwork: {wifi: {ssid: a, passphrase: 12345678}}\n`,
  );
  const first = await runSetup(effects);
  const before = tree(root);
  const second = await runSetup(effects);
  expect(second).toMatchObject({ changed: [], notes: [], deviceId: first.deviceId });
  const after = tree(root);
  // The facts tell of the run itself.
  for (const files of [before, after]) delete files['run/bulkhead/setup.json'];
  expect(after).toEqual(before);
});

it.skipIf(!canOwn)('puts the configuration in force, and takes it back when it is removed', async () => {
  const { root, effects, write, read } = appliance(`
hostname: cellar
time: {zone: Europe/Berlin, servers: [10.0.0.1, ntp.example.org]}
network:
  interfaces: [{match: eth0, addresses: [10.0.0.2/24]}]
  wifi: {ssid: home, passphrase: 12345678}
ssh: {authorized_keys: ["${KEY}"]}
`);
  expect(await runSetup(effects)).toMatchObject({ ok: true, hostname: 'cellar' });
  expect(readdirSync(join(root, 'run/systemd/network'))).toEqual([
    '10-bulkhead-interface.network',
    '80-bulkhead-ethernet.network',
    '81-bulkhead-wireless.network',
  ]);
  expect(readlinkSync(join(root, 'run/bulkhead/localtime'))).toBe('/usr/share/zoneinfo/Europe/Berlin');
  expect(read('run/systemd/timesyncd.conf.d/10-bulkhead.conf')).toBe(
    '[Time]\nNTP=\nNTP=10.0.0.1 ntp.example.org\n',
  );
  expect(read('run/bulkhead/ssh/authorized_keys')).toBe(`${KEY}\n`);
  expect(access(root, 'run/bulkhead/ssh/authorized_keys')).toBe('600 0:0');
  expect(access(root, 'run/wpa_supplicant/bulkhead.conf')).toBe('600 0:0');
  expect(access(root, 'var/lib/msp/config.yaml')).toBe(`640 0:${AGENT.gid}`);
  expect(existsSync(join(root, 'var/lib/msp/identity/ssh/ssh_host_ed25519_key'))).toBe(true);
  write('run/systemd/network/50-other.network', 'not ours');

  write('var/lib/msp/config.yaml', '');
  await runSetup(effects);
  expect(readdirSync(join(root, 'run/systemd/network'))).toEqual([
    '50-other.network',
    '80-bulkhead-ethernet.network',
  ]);
  for (const path of [
    'timesyncd.conf.d/10-bulkhead.conf',
    '../bulkhead/ssh/authorized_keys',
    '../wpa_supplicant/bulkhead.conf',
  ]) {
    expect(existsSync(join(root, 'run/systemd', path)), path).toBe(false);
  }
});

it('brings the network up without a data partition, makes no identity in memory, and says what is missing', async () => {
  const { root, effects } = appliance('', 'data_state=failed\ndata_message=cannot mount /dev/sda4\n');
  rmSync(join(root, 'var/lib/msp'), { recursive: true });
  const report = await runSetup(effects);
  expect(report).toMatchObject({ ok: false, deviceId: null, hostname: 'bulkhead' });
  expect(report.failures).toEqual([
    { step: 'data', reason: expect.stringMatching(/^SETUP_DATA_MISSING: .*cannot mount \/dev\/sda4/) },
  ]);
  expect(readdirSync(join(root, 'run/systemd/network'))).toEqual(['80-bulkhead-ethernet.network']);
  expect(existsSync(join(root, 'var/lib/msp'))).toBe(false);
});

it.skipIf(!canOwn)('goes on after every failing step and gives all reasons', async () => {
  const { root, effects, write } = appliance('hostname: box\n');
  write('var/lib/msp/identity/device.key', 'garbage');
  write('var/lib/msp/identity/machine-id', ID.replace('0', 'f'));
  write('var/lib/msp/schema', 'two\n');
  write('var/lib/msp/update', 'a file in the way');
  mkdirSync(join(root, 'run/bulkhead/localtime'));
  const report = await runSetup(effects);
  expect(report.ok).toBe(false);
  expect(report.failures.map(({ step, reason }) => [step, /[A-Z]+_[A-Z_]+/.exec(reason)?.[0]])).toEqual([
    ['data', 'SETUP_PATH_OCCUPIED'],
    ['schema', 'SETUP_SCHEMA_DAMAGED'],
    ['identity', 'IDENTITY_DAMAGED'],
    ['evidence-key', 'IDENTITY_DAMAGED'],
    ['machine-id', 'MACHINE_ID_MISMATCH'],
    ['time', 'SETUP_PATH_OCCUPIED'],
  ]);
  expect(report.hostname).toBe('box');
  expect(readdirSync(join(root, 'run/systemd/network'))).toEqual(['80-bulkhead-ethernet.network']);
  expect(readFileSync(join(root, 'var/lib/msp/identity/device.key'), 'utf8')).toBe('garbage');
});

it.skipIf(!canOwn)(
  'runs on DHCP and does not fail when the configuration of the device is wrong',
  async () => {
    const { root, effects } = appliance(
      'network: {interfaces: [{match: eth0, addresses: [10.0.0.2]}]}\ntime: {zone: UTC}\n',
    );
    const report = await runSetup(effects);
    expect(report.ok).toBe(true);
    expect(report.configProblems).toEqual([
      expect.stringContaining(':1: network.interfaces[0].addresses[0]'),
    ]);
    expect(readdirSync(join(root, 'run/systemd/network'))).toEqual(['80-bulkhead-ethernet.network']);
  },
);

it.skipIf(!canOwn)('uses UTC where the image lacks the zone, and says so without failing', async () => {
  const { root, effects } = appliance('time: {zone: Asia/Tokyo}\n');
  const report = await runSetup(effects);
  expect(report).toMatchObject({
    ok: true,
    configProblems: [expect.stringContaining("no zone 'Asia/Tokyo'")],
  });
  expect(readlinkSync(join(root, 'run/bulkhead/localtime'))).toBe('/usr/share/zoneinfo/UTC');
});

it('shows in a dry run what it would write, no secret, and writes nothing', () => {
  const { root, effects } = appliance(
    'hostname: box\nnetwork: {wifi: {ssid: home, passphrase: hunter2-hunter2}}\n',
  );
  const before = tree(root);
  const text = previewSetup(effects).actions.map(describeAction).join('\n');
  expect(text).toContain(`set ${root}/proc/sys/kernel/hostname to box`);
  expect(text).toContain('    Type=ether');
  expect(text).not.toContain('hunter2');
  expect(tree(root)).toEqual(before);
});

it('never follows a symbolic link that lies where it writes', () => {
  const root = makeFolder('link');
  const owner = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  writeFileSync(join(root, 'target'), 'precious');
  mkdirSync(join(root, 'target-folder'));
  symlinkSync(join(root, 'target'), join(root, 'file'));
  symlinkSync(join(root, 'target-folder'), join(root, 'folder'));
  const { failures, changed } = executeActions([
    { kind: 'file', step: 'ssh', path: join(root, 'file'), mode: 0o600, owner, content: 'x' },
    { kind: 'access', step: 'data', path: join(root, 'file'), mode: 0o777, owner },
    { kind: 'folder', step: 'data', path: join(root, 'folder'), mode: 0o777, owner },
  ]);
  expect(failures.map(({ step }) => step)).toEqual(['ssh', 'data', 'data']);
  expect(changed).toEqual([]);
  expect(readFileSync(join(root, 'target'), 'utf8')).toBe('precious');
});

it('writes a secret with its mode from the first byte, whatever an interrupted run left', () => {
  const root = makeFolder('secret');
  const owner = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  writeFileSync(join(root, 'conf.new'), 'left over', { mode: 0o666 });
  executeActions([
    { kind: 'file', step: 'wifi', path: join(root, 'conf'), mode: 0o600, owner, content: 'psk' },
  ]);
  expect(statSync(join(root, 'conf')).mode & 0o777).toBe(0o600);
  expect(readFileSync(join(root, 'conf'), 'utf8')).toBe('psk');
});

it('migrates data forward one recorded step at a time, and leaves data of a later program alone', () => {
  const data = makeFolder('schema');
  const schema = join(data, 'schema');
  const done: number[] = [];
  const migrations = [3, 2, 4].map((to) => ({ to, migrate: () => void done.push(to) }));
  expect(migrateData(data, schema, 1, [])).toEqual({ version: 1, how: 'new' });
  expect(migrateData(data, schema, 3, migrations)).toEqual({ version: 3, how: 'migrated' });
  expect(done).toEqual([2, 3]);
  expect(readFileSync(schema, 'utf8')).toBe('3\n');
  expect(migrateData(data, schema, 1, [])).toEqual({ version: 3, how: 'newer' });
  expect(readFileSync(schema, 'utf8')).toBe('3\n');
  const failing = [
    { to: 4, migrate: () => {} },
    {
      to: 5,
      migrate: () => {
        throw new Error('disk full');
      },
    },
  ];
  expect(() => migrateData(data, schema, 5, failing)).toThrow('disk full');
  expect(readFileSync(schema, 'utf8')).toBe('4\n');
});
