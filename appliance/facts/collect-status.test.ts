import { Value } from '@sinclair/typebox/value';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { deviceIdOf } from '../../base/signing/key-id.ts';
import { VERSION } from '../../base/version.ts';
import type { MachineFacts } from '../../health-gate/machine-facts.ts';
import { Status } from '../../status-page/status.ts';
import { admitStatus } from '../../status-page/status-check.ts';
import { type FirewallFacts, writeFirewallFacts } from '../firewall/facts.ts';
import { deviceKeyFromSeed, formatKeyFile } from '../identity/key-file.ts';
import { recordOf } from '../identity/record.ts';
import { collectStatus } from './collect-status.ts';
import { APPLIANCE_PATHS } from './fact-context.ts';
import { type FactTree, makeFactTree } from './fact-tree.ts';

let tree: FactTree;
beforeEach(() => {
  tree = makeFactTree();
});
afterEach(() => tree.remove());

const MACHINE: MachineFacts = {
  collectedAt: '2026-11-21T11:59:00.000Z',
  bootState: { active: 'A', trial: 'B', attempts: 1, good: { A: true, B: false }, failed: null },
  bootStateCondition: 'ok',
  slot: 'B',
  slotSource: 'command-line',
  contradiction: null,
  attempt: 1,
  maxAttempts: 3,
  mode: 'trial',
  slots: [
    {
      slot: 'A',
      state: 'active',
      running: false,
      version: '1.0.0',
      rootHash: 'a'.repeat(64),
      builtAt: '2026-11-01T00:00:00Z',
    },
    {
      slot: 'B',
      state: 'trial',
      running: true,
      version: '1.1.0',
      rootHash: 'b'.repeat(64),
      builtAt: 'some day',
    },
  ],
  watchdog: { present: true, identity: 'iTCO_wdt', timeout_s: 30, active: true, armedEarly: true },
};

/** The smallest /proc that a kernel always has. */
function writeKernel(commandLine: string): void {
  tree.write('proc/sys/kernel/hostname', 'bulkhead-1a2b3c\n');
  tree.write('proc/sys/kernel/osrelease', '6.12.48-amd64\n');
  tree.write('proc/sys/kernel/random/boot_id', '0f0e0d0c-0b0a-0908-0706-050403020100\n');
  tree.write('proc/cmdline', `${commandLine}\n`);
  tree.write('proc/uptime', '75.20 140.11\n');
  tree.write('proc/loadavg', '0.10 0.20 0.30 1/90 1234\n');
  tree.write('proc/meminfo', 'MemTotal: 1000000 kB\nMemAvailable: 800000 kB\n');
}

describe('the status of an appliance', () => {
  test('holds what kernel, initrd, gate, firewall, identity and image say', async () => {
    writeKernel('quiet ab.partition=B ab.attempt=1 ab.mode=trial');
    tree.write('run/bulkhead/machine.json', JSON.stringify(MACHINE));
    tree.write('image.json', '{"version":"1.1.0","revision":"abc1234","built_at":"2026-11-20T00:00:00Z"}');
    tree.write('etc/machine-id', '0123456789abcdef0123456789abcdef\n');
    const firewall: FirewallFacts = {
      loaded: true,
      mode: 'policy',
      rules: 31,
      digest: 'c'.repeat(64),
      openPorts: ['tcp/80'],
      appliedAt: '2026-11-21T11:58:00.000Z',
      checkedAt: '2026-11-21T11:59:00.000Z',
      drift: false,
      message: 'loaded',
    };
    writeFirewallFacts(firewall, tree.context.paths.firewallFactsFile);
    const key = deviceKeyFromSeed(new Uint8Array(32).fill(7));
    tree.write('data/identity/device.key', formatKeyFile(new Uint8Array(32).fill(7)));
    tree.write('data/identity/device.json', JSON.stringify(recordOf(key.publicKey)));

    const status = admitStatus(await collectStatus({ ...tree.context, siteId: 'praxis-7' }));

    expect(status.identity).toMatchObject({
      hostname: 'bulkhead-1a2b3c',
      siteId: 'praxis-7',
      deviceId: deviceIdOf(key.publicKey),
      machineId: expect.not.stringContaining('0123456789abcdef'),
    });
    expect(status.version).toEqual({
      running: '1.1.0',
      program: VERSION,
      revision: 'abc1234',
      kernel: '6.12.48-amd64',
    });
    expect(status.boot).toEqual({
      bootId: '0f0e0d0c-0b0a-0908-0706-050403020100',
      slot: 'B',
      slotSource: 'command-line',
      contradiction: null,
      attempt: 1,
      maxAttempts: 3,
      mode: 'trial',
      stateFile: 'ok',
    });
    expect(status.slots[0]).toMatchObject({ slot: 'A', builtAt: '2026-11-01T00:00:00.000Z' });
    expect(status.slots[1]).toMatchObject({ slot: 'B', running: true, builtAt: null });
    expect(status.firewall).toMatchObject({ loaded: true, rules: 31, openPorts: ['tcp/80'] });
    expect(status.system).toMatchObject({ uptime_s: 75.2, load: [0.1, 0.2, 0.3] });
    expect(status.system.memory).toMatchObject({ total_bytes: 1_024_000_000, used_bytes: 204_800_000 });
    expect(status.health).toEqual({ outcome: 'pending', verdicts: [] });
    expect(tree.warnings).toEqual([]);
    expect(JSON.stringify(status)).not.toContain('PRIVATE');
  });

  test('says from the command line alone which slot runs while the gate has not written', async () => {
    writeKernel('ab.partition=A ab.attempt=2 ab.mode=normal');
    const { boot, slots } = await collectStatus(tree.context);
    expect(boot).toMatchObject({
      slot: 'A',
      slotSource: 'command-line',
      attempt: 2,
      mode: 'normal',
      stateFile: 'unreadable',
    });
    expect(slots).toEqual([]);
  });

  test('names the installation medium', async () => {
    writeKernel('bulkhead.live=1');
    expect((await collectStatus(tree.context)).boot).toMatchObject({ slot: null, mode: 'live' });
  });
});

describe('what cannot be read is not known and never a default', () => {
  test('with nothing at all, the status still is one by its schema', async () => {
    const status = admitStatus(await collectStatus(tree.context));
    expect(status).toMatchObject({
      identity: { deviceId: null, machineId: null, product: null, vendor: null, serial: null },
      boot: { slot: null, slotSource: null, attempt: null },
      system: { dataDisk: { total_bytes: null, used_bytes: null, readOnly: null }, temperature_c: null },
      time: { synchronised: null, server: null, offset_ms: null },
      network: { interfaces: [], primaryAddress: null, gateway: null, dns: [] },
      firewall: { loaded: false, checkedAt: null },
      services: [],
    });
  });

  test('a damaged fact file costs its own facts, with a warning, and no others', async () => {
    writeKernel('ab.partition=A');
    tree.write('run/bulkhead/firewall.json', '{"loaded":');
    tree.write('run/bulkhead/machine.json', 'garbage');
    tree.write('run/bulkhead/health.json', '[]');
    tree.write('data/identity/device.json', '{}');
    const status = await collectStatus(tree.context);
    expect(status.firewall.checkedAt).toBeNull();
    expect(status.identity.deviceId).toBeNull();
    expect(status.boot.slot).toBe('A');
    expect(tree.warnings.join('\n')).toContain('FIREWALL_FACTS_DAMAGED');
    expect(tree.warnings.join('\n')).toContain('IDENTITY_DAMAGED');
  });

  test('services that nobody answers for are left out with a warning', async () => {
    writeKernel('ab.partition=A');
    tree.write('critical-units', 'compliance-agent.service\n');
    const status = await collectStatus({
      ...tree.context,
      // The real systemctl, pointed at a bus that does not exist.
      run: (program, args, options) =>
        tree.context.run(program, args, {
          ...options,
          env: { DBUS_SYSTEM_BUS_ADDRESS: 'unix:path=/nonexistent', SYSTEMCTL_FORCE_BUS: '1' },
        }),
    });
    expect(status.services).toEqual([]);
    expect(tree.warnings.join('\n')).toMatch(/^services: /);
  });
});

test('on the machine this test runs on, the collected status fits the schema', async () => {
  const warnings: string[] = [];
  const status = await collectStatus({
    ...tree.context,
    paths: APPLIANCE_PATHS,
    warn: (message) => warnings.push(message),
  });
  expect([...Value.Errors(Status, status)]).toEqual([]);
  expect(status.version.kernel).not.toBe('unknown');
});
