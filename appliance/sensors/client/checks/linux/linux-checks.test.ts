import { mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type Run, run, runOrThrow } from '../../../../../base/run.ts';
import { makeFolder } from '../../../../../test/unit/make-folder.ts';
import { type CheckContext, takeReading } from '../check.ts';
import { diskMounts, judgeDisks } from './disk.ts';
import { firewallCheck, judgeRuleset } from './firewall.ts';
import { LINUX_CHECKS } from './linux-checks.ts';
import { aptSecurityUpdates, dnfUpdates, judgePatches } from './patches.ts';
import { failedUnits, judgeServices, servicesCheck } from './services.ts';
import { judgeSshd } from './ssh.ts';
import { judgeTime } from './time.ts';
import { judgeUsers } from './users.ts';

function context(changed: Partial<CheckContext> = {}): CheckContext {
  return { run, root: '/', now_ms: Date.now, settings: {}, ...changed };
}

test('the checks of Linux look at this machine and say something about it', async () => {
  // apt reads for most of a minute on a busy machine; what it prints is judged below.
  const quick = LINUX_CHECKS.filter(({ check_type }) => check_type !== 'patches');
  const readings = await Promise.all(quick.map((check) => takeReading(check, context())));
  expect(readings.map(({ check_type }) => check_type).sort()).toEqual([
    ...['disk', 'firewall', 'services', 'ssh', 'time', 'users'],
  ]);
  for (const { expected, actual } of readings) expect(`${expected}/${actual}`).toMatch(/.\/./);
  // The disk can be looked at everywhere.
  expect(readings.find(({ check_type }) => check_type === 'disk')?.metadata?.['unknown']).toBeUndefined();
});

test('what cannot be looked at has not passed, and says why', async () => {
  const broken: Run = async () => ({ code: 1, stdout: '', stderr: 'Failed to connect to bus' });
  const reading = await takeReading(servicesCheck, context({ run: broken }));
  expect(reading).toMatchObject({ check_type: 'services', passed: false, metadata: { unknown: 'true' } });
  expect(reading.actual).toContain('Failed to connect to bus');
});

describe('disk', () => {
  test('only what is on a disk and can be written counts, each device once', () => {
    const mounts = [
      'proc /proc proc rw 0 0',
      '/dev/sda2 / ext4 rw,relatime 0 0',
      '/dev/sda2 /var/lib/docker ext4 rw 0 0',
      '/dev/sdb1 /with\\040space xfs rw 0 0',
      '/dev/loop3 /snap/x squashfs rw 0 0',
      '/dev/sr0 /media iso9660 ro 0 0',
    ];
    expect(diskMounts(mounts.join('\n'))).toEqual(['/', '/with space']);
  });

  test('one that is fuller than the limit is named, be it by its bytes or its files', () => {
    const usages = [
      { mount: '/', used_percent: 50, inodes_percent: 10 },
      { mount: '/srv', used_percent: 20, inodes_percent: 99 },
    ];
    expect(judgeDisks(usages, 90)).toMatchObject({
      passed: false,
      actual: '/srv 20 % (99 % of its files)',
      metadata: { mount: '/srv' },
    });
    expect(judgeDisks(usages.slice(0, 1), 90)).toMatchObject({ passed: true, actual: '/ 50 %' });
    expect(judgeDisks(usages.slice(0, 1), 40).passed).toBe(false);
  });
});

describe('firewall', () => {
  const chain = (family: string, policy: string) => ({
    chain: { family, table: 't', name: 'in', handle: 1, type: 'filter', hook: 'input', prio: 0, policy },
  });
  const rule = (...expr: object[]) => ({
    rule: { family: 'inet', table: 't', chain: 'in', handle: 2, expr },
  });
  const judge = (entries: object[], ipv6 = true) =>
    judgeRuleset({ nftables: [{ metainfo: {} }, ...entries] }, ipv6);

  test.each([
    ['nothing at all', [], false],
    ['a policy that drops', [chain('inet', 'drop')], true],
    ['a policy that drops for IPv4 alone', [chain('ip', 'drop')], false],
    ['one for each', [chain('ip', 'drop'), chain('ip6', 'drop')], true],
    ['a policy that accepts', [chain('inet', 'accept')], false],
    ['a last word that rejects', [chain('inet', 'accept'), rule({ counter: {} }, { reject: {} })], true],
    ['a drop of one port', [chain('inet', 'accept'), rule({ match: {} }, { drop: null })], false],
    [
      'a drop with an accept behind it',
      [chain('inet', 'accept'), rule({ drop: null }), rule({ accept: null })],
      false,
    ],
  ] as [string, object[], boolean][])('%s', (_, entries, passed) => {
    expect(judge(entries).passed).toBe(passed);
  });

  test('IPv6 is not asked for where there is none', () => {
    expect(judge([chain('ip', 'drop')], false).passed).toBe(true);
    expect(judge([chain('ip', 'drop')], true).actual).toBe('everything comes in by IPv6');
  });

  test.skipIf(process.getuid?.() !== 0)('it sees a firewall of a real kernel come and go', async () => {
    const inNamespace: Run = (program, args, options) =>
      run('nsenter', [`--net=/proc/${keeper.pid}/ns/net`, program, ...args], options);
    const keeper = Bun.spawn(['unshare', '--net', 'sleep', '60'], { stdout: 'ignore', stderr: 'ignore' });
    try {
      const look = () =>
        takeReading(firewallCheck, context({ run: inNamespace, root: makeFolder('no-ipv6') }));
      // unshare(2) comes a moment after the process.
      while (
        (await run('readlink', [`/proc/${keeper.pid}/ns/net`])).stdout ===
        (await run('readlink', ['/proc/self/ns/net'])).stdout
      )
        await Bun.sleep(20);
      expect(await look()).toMatchObject({ passed: false, actual: 'everything comes in by IPv4' });
      await runOrThrow(inNamespace, 'nft', [
        'add table inet t; add chain inet t in { type filter hook input priority 0; policy drop; }',
      ]);
      expect(await look()).toMatchObject({ passed: true, actual: 'held back by inet t in' });
      await runOrThrow(inNamespace, 'nft', ['flush', 'ruleset']);
      expect((await look()).passed).toBe(false);
    } finally {
      keeper.kill();
    }
  });
});

test('ssh: what is in force is judged, setting by setting', () => {
  const sshd = (password: string, root: string) =>
    `port 22\npasswordauthentication ${password}\nkbdinteractiveauthentication no\npermitemptypasswords no\npermitrootlogin ${root}\n`;
  expect(judgeSshd(sshd('no', 'without-password')).passed).toBe(true);
  expect(judgeSshd(sshd('yes', 'yes'))).toMatchObject({
    passed: false,
    actual: 'passwordauthentication yes, permitrootlogin yes',
  });
  expect(() => judgeSshd('')).toThrow('no settings');
});

test('services: what failed and what ought to run is named, and the first of them can be started', () => {
  expect(failedUnits('nginx.service loaded failed failed A web server\n\n')).toEqual(['nginx.service']);
  expect(judgeServices(['b.service'], ['cron'], ['cron', 'ssh'])).toEqual({
    passed: false,
    expected: 'no unit failed, and these run: cron, ssh',
    actual: 'cron does not run, b.service failed',
    metadata: { service: 'cron' },
  });
  expect(judgeServices([], [], []).passed).toBe(true);
});

test('services: those the appliance asks for are looked at, and nothing that looks like an option', async () => {
  const asked: string[][] = [];
  const told: Run = async (_, args) => {
    asked.push([...args]);
    return { code: 3, stdout: args[0] === 'is-active' ? 'active\ninactive\n' : '', stderr: '' };
  };
  const fine: Run = async (program, args, options) => ({
    ...(await told(program, args, options)),
    code: args[0] === 'is-active' ? 3 : 0,
  });
  const reading = await takeReading(
    servicesCheck,
    context({ run: fine, settings: { 'services.required': 'cron, --now ,ssh' } }),
  );
  expect(asked[1]).toEqual(['is-active', '--', 'cron', 'ssh']);
  expect(reading).toMatchObject({ passed: false, actual: 'ssh does not run', metadata: { service: 'ssh' } });
});

test('time: the kernel decides, and a service that is off is named', () => {
  expect(judgeTime('NTP=yes\nNTPSynchronized=yes\n').passed).toBe(true);
  expect(judgeTime('NTP=no\nNTPSynchronized=no\n')).toMatchObject({
    passed: false,
    actual: 'it is not; its service is switched off',
  });
});

test('users: who is root without its name, has no password or shares a number', () => {
  const passwd =
    'root:x:0:0:root:/root:/bin/bash\ntoor:x:0:0::/:/bin/sh\nann::1000:1000::/:/bin/sh\nbob:x:1001:1001::/:/bin/sh\nbib:x:1001:1001::/:/bin/sh\n+nis::::\n';
  const shadow = 'root:*:1:0:::::\nbob::1:0:::::\n';
  expect(judgeUsers(passwd, shadow)).toMatchObject({
    passed: false,
    actual: 'as powerful as root: toor; without a password: ann, bob; one number for several: bob = bib',
    metadata: { user: 'toor' },
  });
  expect(judgeUsers('root:x:0:0::/:/bin/sh\n', 'root:!:1::::::\n').passed).toBe(true);
});

describe('patches', () => {
  test('updates of a security archive are told from others', () => {
    const text = [
      'Reading package lists...',
      'Inst libssl3 [3.0.11-1] (3.0.14-1~deb12u2 Debian-Security:12/stable-security [amd64])',
      'Inst tzdata [2024a-0] (2024b-0 Debian:12.8/stable [all])',
      'Inst linux-image-6.1.0-27 (6.1.115-1 Debian:12.8/stable, Debian-Security:12/stable-security [amd64])',
      'Conf libssl3 (3.0.14-1~deb12u2 Debian-Security:12/stable-security [amd64])',
    ];
    expect(aptSecurityUpdates(text.join('\n'))).toEqual(['libssl3', 'linux-image-6.1.0-27']);
    expect(
      dnfUpdates(
        '\nopenssl.x86_64   1:3.0.7-28.el9   baseos\n\nObsoleting Packages\ngrub2.x86_64 1 baseos\n',
      ),
    ).toEqual(['openssl']);
  });

  test('nothing passes by lists that are old, or by none', () => {
    expect(judgePatches([], 1, 7)).toMatchObject({ passed: true });
    expect(judgePatches(['a', 'b'], 1, 7).actual).toBe('2 security updates are not installed: a, b');
    expect(judgePatches([], 30.5, 7).actual).toBe('the package lists are 30 days old');
    expect(judgePatches([], null, 7).passed).toBe(false);
  });

  test('the age of the lists is that of the newest, or of the folder that apt wrote into last', async () => {
    const root = makeFolder('apt');
    const file = join(root, 'var/lib/apt/lists/deb_InRelease');
    for (const path of [file, join(root, 'var/lib/dpkg/status')]) {
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, '');
    }
    const day = (number: number) => number * 86_400;
    utimesSync(file, day(10), day(10));
    utimesSync(dirname(file), day(12), day(12));
    const patches = LINUX_CHECKS.find(({ check_type }) => check_type === 'patches');
    const quiet: Run = async () => ({ code: 0, stdout: '', stderr: '' });
    const look = async (now: number) =>
      patches?.look(context({ root, run: quiet, now_ms: () => day(now) * 1000 }));
    expect((await look(18))?.passed).toBe(true);
    expect((await look(40))?.actual).toBe('the package lists are 28 days old');
  });
});
