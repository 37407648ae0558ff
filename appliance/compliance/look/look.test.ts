import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { type Run, run, runOrThrow } from '../../../base/run.ts';
import { makeFolder } from '../../../test/unit/make-folder.ts';
import { APPLIANCE_PATHS } from '../../facts/fact-context.ts';
import { makeFactTree } from '../../facts/fact-tree.ts';
import { assess } from '../assess.ts';
import { letsIn, parseAccounts, parsePasswords } from './accounts.ts';
import { parseListeners } from './listeners.ts';
import { type LookTools, look } from './look.ts';
import { lookAsRoot, parseSshd, type RootPlaces } from './look-as-root.ts';
import { parseMounts } from './mounts.ts';
import { readRootSight, writeRootSight } from './root-sight.ts';
import { parseUnits } from './units.ts';

const NOW = new Date('2026-11-21T12:00:00Z');

function tools(more: Partial<LookTools>): LookTools {
  return {
    ...{ paths: APPLIANCE_PATHS, rootSightFile: '/nowhere', run, now: () => NOW },
    ...{ evidence: () => null, warn: () => {} },
    ...more,
  };
}

test('this very machine can be looked at, and every control gets a state', async () => {
  const sight = await look(tools({ now: () => new Date() }));
  expect(sight.processor?.flags).toContain('nx');
  expect(sight.accounts?.find(({ name }) => name === 'root')?.uid).toBe(0);
  expect(sight.sysctls['kernel.randomize_va_space']).toMatch(/^\d$/);
  const { results } = assess(sight);
  expect(results.every(({ state, seen }) => state.length > 0 && seen.length > 0)).toBe(true);
  expect(results.every(({ seen }) => !seen.startsWith('the measure failed'))).toBe(true);
});

test('a socket that listens is seen with its port, and whether others reach it', () => {
  const mine = ['127.0.0.1', '0.0.0.0', '::1', '::'].map((hostname) =>
    Bun.listen({ hostname, port: 0, socket: { data: () => {} } }),
  );
  const seen = ['tcp', 'tcp6'].flatMap((table) =>
    parseListeners(readFileSync(`/proc/net/${table}`, 'utf8'), 'tcp'),
  );
  const found = mine.map(({ port }) => seen.find((each) => each.port === port)?.loopback);
  for (const server of mine) server.stop(true);
  expect(found).toEqual([true, false, true, false]);
});

test('a connection is no listener, and an address of IPv4 in IPv6 can be the loopback', () => {
  const table = [
    'sl local rem st',
    '0: 0100007F:0050 0200007F:1234 01 0',
    '1: 0000000000000000FFFF00000100007F:1F90 00000000000000000000000000000000:0000 0A 0',
    '2: 0000000000000000FFFF0000012A A8C0:0000',
    '3: 0000000000000000FFFF00000100A8C0:C383 00000000000000000000000000000000:0000 0A 0',
  ].join('\n');
  expect(parseListeners(table, 'tcp')).toEqual([
    { protocol: 'tcp', loopback: true, port: 8080 },
    { protocol: 'tcp', loopback: false, port: 50051 },
  ]);
});

test('an account lets in by its shell, and a password is one that matches something', () => {
  const accounts = parseAccounts(
    'root:x:0:0:root:/root:/bin/bash\nmsp:x:990:990::/:/usr/sbin/nologin\nbad line\nguest:x:5:5::/:',
  );
  expect(accounts.map(({ name }) => name)).toEqual(['root', 'msp', 'guest']);
  expect(accounts.map(letsIn)).toEqual([true, false, true]);
  expect(parsePasswords('root:*:1:\nmsp:!:1:\nlocked:!$y$x:1:\nold:$6$x:1:\nguest::1:\n')).toEqual({
    set: ['old'],
    empty: ['guest'],
  });
});

test('mounts have the options of the mount and of the file system; the last one of a path counts', () => {
  const mounts = parseMounts(
    [
      '22 1 254:0 / / ro,noatime shared:1 - erofs /dev/mapper/root ro',
      '30 22 0:25 / /dev/shm rw,nosuid,nodev - tmpfs tmpfs rw,size=64k',
      '31 22 8:1 / /a\\040b rw - ext4 /dev/sda1 rw',
      '32 22 8:1 / /a\\040b rw,nosuid - ext4 /dev/sda1 ro',
      'torn',
    ].join('\n'),
  );
  expect(mounts).toEqual([
    { path: '/', source: '/dev/mapper/root', type: 'erofs', options: ['noatime', 'ro'] },
    { path: '/a b', source: '/dev/sda1', type: 'ext4', options: ['nosuid', 'ro'] },
    { path: '/dev/shm', source: 'tmpfs', type: 'tmpfs', options: ['nodev', 'nosuid', 'rw', 'size=64k'] },
  ]);
});

test('properties of units come in the order in which they were asked', () => {
  const text = 'Id=a.service\nActiveState=active\nUser=\n\nId=b.service\nActiveState=inactive\n';
  expect(parseUnits(text, ['a.service', 'b.service', 'c.service'])).toEqual({
    'a.service': { Id: 'a.service', ActiveState: 'active', User: '' },
    'b.service': { Id: 'b.service', ActiveState: 'inactive' },
  });
});

test('the first of several settings of sshd counts, whatever its letters', () => {
  expect(parseSshd('Port 22\nport 23\nacceptenv LANG LC_*\n\nodd\n')).toEqual({
    port: '22',
    acceptenv: 'LANG LC_*',
  });
});

/** sshd wants its folder below /run, which only an appliance has: it gets a /run of its own. */
const runWithSshdFolder: Run = (program, args, options) =>
  run(
    'unshare',
    [
      '--map-root-user',
      '--mount',
      'sh',
      '-c',
      'mount -t tmpfs none /run && mkdir /run/sshd && exec "$0" "$@"',
      program,
      ...args,
    ],
    options,
  );

/** A tree as root meets it, with the sshd of this machine on the configuration of the image. */
async function rootTree(): Promise<{ root: string; places: RootPlaces }> {
  const root = makeFolder('root-look');
  const write = (path: string, content: string, mode = 0o644) => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content, { mode });
    chmodSync(join(root, path), mode);
  };
  write(
    'proc/1/mountinfo',
    '22 1 254:0 / / ro - erofs /dev/mapper/root ro\n33 22 254:3 / /data rw - ext4 /dev/dm-3 rw\n',
  );
  write('proc/sys/fs/protected_hardlinks', '1\n');
  write('sys/class/block/dm-3/dm/uuid', 'CRYPT-LUKS2-0123-data\n');
  write('etc/passwd', `root:x:${process.getuid?.()}:0::/root:/bin/bash\n`);
  write('etc/shadow', 'root:*:1::::::\n', 0o600);
  write('var/lib/msp/identity/device.key', 'secret', 0o640);
  write('authorized_keys', 'ssh-ed25519 AAAA x\n');
  await runOrThrow(run, 'ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(root, 'host_key')]);
  const config = readFileSync(
    new URL('../../../iso/rootfs/usr/lib/bulkhead/sshd_config', import.meta.url),
    'utf8',
  );
  write('sshd_config', config.replace(/^HostKey .*/m, `HostKey ${join(root, 'host_key')}`));
  const at = (path: string) => join(root, path);
  return {
    root,
    places: {
      ...{ root, proc: at('proc'), sys: at('sys'), etc: at('etc'), dataMount: '/data' },
      ...{ sshdConfig: at('sshd_config'), authorizedKeys: at('authorized_keys') },
    },
  };
}

test('root sees modes, mounts, passwords and what sshd would do, and the service reads what it wrote', async () => {
  const { root, places } = await rootTree();
  const justifications = [{ control: 'BH-SC-17', reason: 'no cable leads there', until: '2027-01-01' }];
  const seen = await lookAsRoot({ places, run: runWithSshdFolder, now: () => NOW, justifications });
  expect(seen).toMatchObject({
    ...{
      at: NOW.toISOString(),
      sysctls: { 'fs.protected_hardlinks': '1' },
      encryptedData: true,
      justifications,
    },
    ssh: { on: true, settings: { passwordauthentication: 'no', permitrootlogin: 'without-password' } },
    passwords: { set: [], empty: [] },
  });
  expect(seen.files['/var/lib/msp/identity/device.key']).toEqual({ mode: 0o640, owner: 'root' });
  expect(seen.files['/var/lib/msp/config.yaml']).toBe('missing');
  expect(JSON.stringify(seen)).not.toContain('secret');
  const file = join(root, 'run/compliance.json');
  writeRootSight(seen, file);
  expect(readRootSight(file)).toEqual(seen);
  expect(statSync(file).mode & 0o777).toBe(0o644);
});

test('the configuration of sshd in the image fulfils every control of SSH but the one that cannot hold', async () => {
  const { places } = await rootTree();
  const root = await lookAsRoot({ places, run: runWithSshdFolder, now: () => NOW, justifications: [] });
  const sight = { ...(await look(tools({}))), root };
  const ssh = assess(sight).results.filter(({ control }) => control.check.startsWith('ssh'));
  expect(ssh.map(({ control, state, seen }) => [control.id, state, state === 'holds' ? '' : seen])).toEqual([
    ['BH-AC-05', 'holds', ''],
    ['BH-AC-06', 'holds', ''],
    ['BH-AC-07', 'holds', ''],
    ['BH-AC-08', 'justified', 'permitrootlogin without-password'],
    ['BH-AC-09', 'holds', ''],
  ]);
});

test('without keys SSH is off, and with a configuration that sshd refuses nobody knows', async () => {
  const { root, places } = await rootTree();
  const off = await lookAsRoot({
    places: { ...places, authorizedKeys: join(root, 'none') },
    run,
    now: () => NOW,
    justifications: [],
  });
  expect(off.ssh).toEqual({ on: false, settings: null });
  const refused = await lookAsRoot({
    places: { ...places, sshdConfig: join(root, 'none') },
    run,
    now: () => NOW,
    justifications: [],
  });
  expect(refused.ssh).toEqual({ on: true, settings: null });
});

test('the settings of the image for its kernel fulfil every control that asks for one, but FIPS', async () => {
  const text = readFileSync(
    new URL('../../../iso/rootfs/usr/lib/sysctl.d/50-bulkhead.conf', import.meta.url),
    'utf8',
  );
  const sysctls = Object.fromEntries(
    text.split('\n').flatMap((line) => {
      const [name, value] = line.split('=').map((part) => part.trim());
      return name && value && !name.startsWith('#') ? [[name, value]] : [];
    }),
  );
  // What the kernel and systemd of Debian bring and the image does not touch.
  const brought = {
    ...{ 'kernel.randomize_va_space': '2', 'kernel.perf_event_paranoid': '3', 'net.ipv4.ip_forward': '0' },
    ...{ 'net.ipv6.conf.all.forwarding': '0', 'fs.protected_hardlinks': '1', 'fs.protected_symlinks': '1' },
    ...{ 'net.ipv6.conf.all.accept_source_route': '0', 'net.ipv6.conf.default.accept_source_route': '0' },
    'crypto.fips_enabled': '0',
  };
  const sight = { ...(await look(tools({}))), root: null, sysctls: { ...brought, ...sysctls } };
  const asked = assess(sight).results.filter(({ control }) => control.measure.name === 'sysctl');
  expect(
    asked.filter(({ state }) => state !== 'holds').map(({ control, seen }) => [control.id, seen]),
  ).toEqual([['BH-SC-11', 'crypto.fips_enabled = 0']]);
});

test('a tree without anything is looked at without a fault', async () => {
  const tree = makeFactTree();
  const warnings: string[] = [];
  const refuse: LookTools['run'] = async () => ({ code: 1, stdout: '', stderr: 'no bus' });
  const sight = await look(
    tools({ paths: tree.context.paths, run: refuse, warn: (words) => warnings.push(words) }),
  );
  tree.remove();
  expect(sight).toMatchObject({ root: null, units: null, listeners: null, accounts: null, machine: null });
  expect(warnings.join()).toContain('cannot ask systemd');
  expect(assess(sight).results.filter(({ state }) => state === 'holds')).toEqual([]);
});
