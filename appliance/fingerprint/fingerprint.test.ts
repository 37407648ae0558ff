import { createHash } from 'node:crypto';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Value } from '@sinclair/typebox/value';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { exampleFingerprint } from '../../protocol/messages/example-fingerprint.ts';
import { Fingerprint } from '../../protocol/messages/fingerprint.ts';
import { makeFolder } from '../../test/unit/make-folder.ts';
import { loadConfig } from '../config/load.ts';
import { type FactTree, makeFactTree } from '../facts/fact-tree.ts';
import type { FingerprintChange } from '../link/interfaces.ts';
import { hashProgram } from './build-hash.ts';
import { reasonOfChange, reasonOfStart } from './change-reason.ts';
import { createCollector } from './collect.ts';
import { configurationHash } from './configuration-hash.ts';
import { QUIET_MS, UNTOLD_MAX_MS } from './limits.ts';
import { dueAt } from './settle.ts';
import type { RunningSource } from './source.ts';
import { startFingerprint } from './start.ts';
import { releaseMemory } from './told-release.ts';

let tree: FactTree;
let source: RunningSource | undefined;
beforeEach(() => {
  tree = makeFactTree();
});
afterEach(() => {
  source?.stop();
  source = undefined;
  tree.remove();
});

const ROOT_HASH = 'ab'.repeat(32);
const DIGEST = 'cd'.repeat(32);
const PARTUUID = '0b8e7f3c-52f1-4d7e-9e62-5f4c3b2a1908';

const configFile = () => join(tree.root, 'data/config.yaml');
const origin = () => ({
  paths: tree.context.paths,
  configFiles: [configFile()],
  loadConfig: () =>
    loadConfig({ imageFile: join(tree.root, 'none'), deviceFile: configFile(), environment: {} }),
  warn: tree.context.warn,
});
const collect = () => createCollector({ ...origin(), build_hash: null })();

function firewallFacts(digest: string): string {
  return JSON.stringify({
    ...{ loaded: true, mode: 'policy', rules: 20, digest, openPorts: ['tcp/80'], appliedAt: null },
    ...{ checkedAt: '2026-11-21T12:00:00Z', drift: false, message: 'as configured' },
  });
}

/** What an HP T640 shows, in the form in which its kernel shows it. */
function writeMachine(): void {
  tree.write('proc/sys/kernel/hostname', 'bulkhead-1a2b3c\n');
  tree.write('proc/sys/kernel/osrelease', '6.12.57-amd64\n');
  tree.write('proc/sys/crypto/fips_enabled', '0\n');
  tree.write('proc/meminfo', 'MemTotal:        8038400 kB\nMemAvailable:    7000000 kB\n');
  const cpu = (number: number) =>
    `processor\t: ${number}\nmodel name\t: AMD Ryzen Embedded R1505G\nmicrocode\t: 0x8108109\n\n`;
  tree.write('proc/cpuinfo', [0, 1, 2, 3].map(cpu).join(''));
  tree.write(
    'proc/cmdline',
    `ab.partition=B ab.attempt=1 ab.mode=normal bulkhead.verity=${ROOT_HASH}:100:ff bulkhead.root=PARTUUID=${PARTUUID.toUpperCase()}\n`,
  );
  tree.write('etc/os-release', 'NAME="Debian"\nPRETTY_NAME="Debian GNU/Linux 13 (trixie)"\n');
  tree.write('etc/machine-id', `${'0'.repeat(32)}\n`);
  tree.write('image.json', '{"version":"1.2.3"}');
  tree.write('sys/class/dmi/id/bios_version', 'M44 v01.20\n');
  tree.write('sys/class/tpm/tpm0/tpm_version_major', '2\n');
  tree.write(
    'sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c',
    '\u0006\u0000\u0000\u0000\u0001',
  );
  const network = 'sys/class/net/enp1s0';
  for (const [name, text] of [
    ['address', '00:11:22:33:44:55'],
    ['flags', '0x1003'],
    ['carrier', '1'],
  ])
    tree.write(`${network}/${name}`, `${text}\n`);
  tree.write('run/bulkhead/firewall.json', firewallFacts(DIGEST));
  tree.write(
    'run/bulkhead/setup.json',
    JSON.stringify({
      ...{ failures: [], configProblems: [], serial: '8CC0' },
      hardware: { board_serial: 'PABC', chassis_serial: '8CC0', product_uuid: PARTUUID },
    }),
  );
}

describe('a fingerprint', () => {
  test('has every field that the machine shows', () => {
    writeMachine();
    expect(collect()).toMatchObject({
      ...{ hostname: 'bulkhead-1a2b3c', os: 'Debian GNU/Linux 13 (trixie)', kernel: '6.12.57-amd64' },
      ...{ memory_bytes: 8_038_400 * 1024, cpu_brand: 'AMD Ryzen Embedded R1505G', cpu_cores: 4 },
      ...{ cpu_microcode: '0x8108109', board_serial: 'PABC', chassis_serial: '8CC0', product_uuid: PARTUUID },
      ...{ bios_version: 'M44 v01.20', root_uuid: PARTUUID, root_hash: ROOT_HASH, image_version: '1.2.3' },
      network_interfaces: [{ name: 'enp1s0', mac: '00:11:22:33:44:55', up: true }],
      ...{ primary_mac: '00:11:22:33:44:55', tpm_present: true, secure_boot_enabled: true, fips_mode: false },
      ...{
        active_slot: 'B',
        firewall_hash: DIGEST,
        configuration_hash: expect.stringMatching(/^[0-9a-f]{64}$/),
      },
    });
    expect(Value.Check(Fingerprint, collect())).toBe(true);
    expect(tree.warnings).toEqual([]);
  });

  test('of a machine that shows nothing says so, and is one all the same', () => {
    const { hostname, agent_version, network_interfaces, configuration_hash, ...rest } = collect();
    expect([hostname, network_interfaces]).toEqual(['unknown', []]);
    expect(new Set(Object.values(rest))).toEqual(new Set([null]));
    expect(Value.Check(Fingerprint, collect())).toBe(true);
    expect([agent_version, configuration_hash]).not.toContain(null);
  });

  test('keeps to the schema whatever the firmware and a damaged file say', () => {
    writeMachine();
    tree.write('sys/class/dmi/id/bios_version', `${'x'.repeat(2000)}\u0007\n`);
    tree.write('run/bulkhead/firewall.json', '{');
    tree.write('image.json', '{"version":"../../etc"}');
    const made = collect();
    expect(Value.Check(Fingerprint, made)).toBe(true);
    expect([made.firewall_hash, made.image_version]).toEqual([null, null]);
    expect(tree.warnings.join()).toContain('FIREWALL_FACTS_DAMAGED');
  });

  test('names a cable that is pulled', () => {
    writeMachine();
    const look = createCollector({ ...origin(), build_hash: null });
    expect(look().network_interfaces[0]?.up).toBe(true);
    tree.write('sys/class/net/enp1s0/carrier', '0\n');
    expect(look().network_interfaces[0]?.up).toBe(false);
  });

  test('says which program runs only where it is one file', async () => {
    const program = join(makeFolder('program'), 'bulkhead');
    writeFileSync(program, 'a program');
    const expected = createHash('sha256').update('a program').digest('hex');
    expect(await hashProgram(program, '/$bunfs/root/bulkhead')).toBe(expected);
    expect(await hashProgram(program, '/src/appliance/main.ts')).toBeNull();
    expect(await hashProgram(`${program}.gone`, '/$bunfs/root/bulkhead')).toBeNull();
  });
});

describe('the hash of the configuration', () => {
  const hash = (yaml: string, own = 'one') => {
    tree.write('data/config.yaml', yaml);
    return configurationHash(origin().loadConfig(), own);
  };
  const wifi = (passphrase: string) =>
    `network: {wifi: {ssid: clinic, passphrase: "${passphrase}", country: DE}}\n`;

  test('is that of the values, however they are written', () => {
    expect(hash('site_id: a # here\n')).toBe(hash('site_id: "a"\n'));
    expect(hash('site_id: a\n')).not.toBe(hash('site_id: b\n'));
    expect(hash('site_id: a\n', 'one')).toBe(hash('site_id: a\n', 'another'));
  });

  test('changes with a secret, and differently on every appliance', () => {
    expect(hash(wifi('correct horse'))).not.toBe(hash(wifi('battery staple')));
    expect(hash(wifi('correct horse'), 'one')).not.toBe(hash(wifi('correct horse'), 'another'));
  });
});

describe('the reason', () => {
  const before = exampleFingerprint();
  test.each([
    [{}, null],
    [{ primary_address: '192.0.2.11' }, 'state_delta'],
    [{ configuration_hash: null, firewall_hash: null }, 'config_change'],
    [{ image_version: '9.0.0', configuration_hash: null }, 'deployment'],
  ] as const)('of a change of %o is %s', (changed, reason) => {
    expect(reasonOfChange(before, exampleFingerprint(changed))).toBe(reason);
  });

  test('of a start is the release that was not told before', () => {
    expect(reasonOfStart(null, before)).toBe('startup');
    expect(reasonOfStart(before, before)).toBe('startup');
    expect(reasonOfStart(before, exampleFingerprint({ root_hash: null }))).toBe('deployment');
  });

  test('outlives the process', () => {
    const path = join(makeFolder('memory'), 'release.json');
    expect(releaseMemory(path).read()).toBeNull();
    releaseMemory(path).write(before);
    expect(reasonOfStart(releaseMemory(path).read(), before)).toBe('startup');
    writeFileSync(path, '{"agent_version": 1}');
    expect(releaseMemory(path).read()).toBeNull();
    expect(releaseMemory(null).read()).toBeNull();
  });
});

test('what changes for ever is told all the same', () => {
  expect(dueAt({ first_ms: 0, last_ms: 100 })).toBe(100 + QUIET_MS);
  expect(dueAt({ first_ms: 0, last_ms: 60_000 })).toBe(UNTOLD_MAX_MS);
});

describe('whoever listens', () => {
  const listen = (memoryFile: string | null = null) => {
    const heard: (FingerprintChange & { at_ms: number })[] = [];
    source = startFingerprint({ ...origin(), memoryFile });
    source.subscribe((change) => heard.push({ ...change, at_ms: performance.now() }));
    return heard;
  };
  const until = async (holds: () => boolean) => {
    const end_ms = performance.now() + 10_000;
    while (!holds() && performance.now() < end_ms) await Bun.sleep(20);
    expect(holds()).toBe(true);
  };

  test('hears of the start, then of a change once, within five seconds, with what came of it', async () => {
    writeMachine();
    const memory = join(tree.root, 'release.json');
    const heard = listen(memory);
    await until(() => heard.length === 1);
    expect(heard[0]?.reason).toBe('startup');
    expect(existsSync(memory)).toBe(true);

    const begun_ms = performance.now();
    tree.write('data/config.yaml', 'site_id: praxis-7\n');
    await Bun.sleep(300);
    tree.write('run/bulkhead/firewall.json', firewallFacts('ef'.repeat(32)));
    await until(() => heard.length === 2);
    expect((heard[1]?.at_ms ?? 0) - begun_ms).toBeLessThan(5_000);
    expect(heard[1]).toMatchObject({
      reason: 'config_change',
      fingerprint: { firewall_hash: 'ef'.repeat(32) },
    });
    expect(await source?.current()).toEqual(heard[1]?.fingerprint);

    // A cable that is out for a moment.
    tree.write('sys/class/net/enp1s0/carrier', '0\n');
    source?.poke();
    await Bun.sleep(200);
    tree.write('sys/class/net/enp1s0/carrier', '1\n');
    source?.poke();
    await Bun.sleep(QUIET_MS + 500);
    expect(heard).toHaveLength(2);
  });

  test('hears after an update that it is one, also when nobody listened before', async () => {
    writeMachine();
    const memory = join(tree.root, 'release.json');
    releaseMemory(memory).write({ ...exampleFingerprint(), image_version: '1.2.2' });
    const heard = listen(memory);
    await until(() => heard.length === 1);
    expect(heard[0]?.reason).toBe('deployment');
  });
});
