import type { CheckResult, Verdict } from '../health-gate/verdict-schema.ts';
import { downloadingUpdate, rolledBackUpdate, updatedOnce, verifyingUpdate } from './example-updates.ts';
import type { Status } from './status.ts';

/**
 * Appliances as they look in real life, for tests, screenshots and for trying the page by hand.
 * Functions and not constants, so that no test can change what another one sees.
 */

const HASH_A = '9f2c41d07be8a35560e1d4c98f7b2a6613c0de58b94f7a21e6d5083bc7f1a942';
const HASH_B = '3b7e90a1cd52f864e09a7c1d5f8b2364a07d91ce5b38f2064d7c9ea1b0f35d68';
const BOOT_ID = '5c1f7a52-9f0e-4d3c-8a57-1f2e90b6c3d4';
const BOOT_BEFORE = 'e0b94d17-3c8a-4f6d-b2e1-7d5a60c9f813';

const PASSED: CheckResult[] = [
  check('data-partition', true, 'MSP-DATA is mounted at /var/lib/msp, is ext4 and took a test write', 14),
  check('verity', true, 'the root file system is verified by dm-verity with the hash of slot A', 3),
  check('agent', true, 'the agent answers on port 80', 41),
  check('firewall', true, 'table inet bulkhead is loaded with 31 rules, as rendered', 22),
  check('units', true, 'all 6 critical units are active', 38),
  check('memory', true, '3.2 GiB of memory are free', 1),
  check('disk-space', true, '96 % of the data partition is free', 2),
  check('clock', true, 'the clock is not before the build date', 1),
  check('network-link', false, 'enp2s0 has a carrier at 1000 Mbit/s', 2),
  check('time-sync', false, 'synchronised with 192.168.20.1', 5),
  { ...check('coordinator', false, 'no coordinator is configured', 0), outcome: 'skipped' },
];

function check(name: string, decisive: boolean, message: string, duration_ms: number): CheckResult {
  return { name, decisive, outcome: 'pass', message, duration_ms };
}

function verdict(over: Partial<Verdict>): Verdict {
  return {
    id: `${BOOT_ID}-1`,
    bootId: BOOT_ID,
    at: '2026-11-18T06:14:09.120Z',
    slot: 'A',
    version: '0.4.2',
    attempt: 1,
    outcome: 'healthy',
    action: 'commit',
    reason: 'All 8 decisive checks passed.',
    checks: PASSED,
    ...over,
  };
}

/** Committed, quiet, without a coordinator: what a technician should see after the first boot. */
export function healthyStatus(): Status {
  return {
    identity: {
      hostname: 'msp-7b2e90a1',
      siteId: 'harbour-clinic-east',
      deviceId: '7b2e90a1cd52f864e09a7c1d5f8b2364a07d91ce5b38f2064d7c9ea1b0f35d68',
      machineId: '0f4e6f0bb3e14d1f8a3c9b7ad25c6e91',
      product: 'HP t640 Thin Client',
      vendor: 'HP',
      serial: '8CG1234XYZ',
    },
    version: {
      running: '0.4.2',
      program: '0.4.2',
      revision: 'd734cc4f19aa0be37714c5c1dd1e9f6c8a2b5e30',
      kernel: '6.12.48+deb13-amd64',
    },
    setup: { problems: [] },
    boot: {
      bootId: BOOT_ID,
      slot: 'A',
      slotSource: 'command-line',
      contradiction: null,
      attempt: 1,
      maxAttempts: 3,
      mode: 'normal',
      stateFile: 'ok',
    },
    slots: [
      {
        slot: 'A',
        state: 'active',
        running: true,
        version: '0.4.2',
        rootHash: HASH_A,
        builtAt: '2026-11-17T18:20:00Z',
      },
      {
        slot: 'B',
        state: 'standby',
        running: false,
        version: '0.4.1',
        rootHash: HASH_B,
        builtAt: '2026-10-29T09:02:00Z',
      },
    ],
    update: updatedOnce(),
    health: {
      outcome: 'healthy',
      verdicts: [
        verdict({}),
        verdict({
          id: `${BOOT_BEFORE}-1`,
          bootId: BOOT_BEFORE,
          at: '2026-10-30T02:00:51.004Z',
          slot: 'B',
          version: '0.4.1',
        }),
      ],
    },
    system: {
      uptime_s: 277_442,
      memory: { total_bytes: 3_987_415_040, used_bytes: 141_557_760, agent_bytes: 64_487_424 },
      load: [0.04, 0.07, 0.05],
      dataDisk: { total_bytes: 11_811_160_064, used_bytes: 412_090_368, readOnly: false },
      temperature_c: 46.4,
      watchdog: { present: true, identity: 'SP5100 TCO timer', timeout_s: 60 },
    },
    time: {
      now: '2026-11-21T11:18:02.512Z',
      zone: 'Europe/Berlin',
      synchronised: true,
      server: '192.168.20.1',
      offset_ms: -3.2,
    },
    network: {
      interfaces: [
        {
          name: 'enp2s0',
          mac: '3c:52:82:aa:10:4e',
          up: true,
          carrier: true,
          speed_mbps: 1000,
          addresses: [
            '192.168.20.47/24',
            'fd3a:91c0:7e42:20:3e52:82ff:feaa:104e/64',
            'fe80::3e52:82ff:feaa:104e/64',
          ],
        },
      ],
      primaryAddress: '192.168.20.47',
      gateway: '192.168.20.1',
      dns: ['192.168.20.1', '9.9.9.9'],
    },
    secrets: {
      problem: null,
      secrets: [{ name: 'backup-passphrase', problem: null, rotateBy: '2027-06-01T00:00:00.000Z' }],
    },
    firewall: {
      loaded: true,
      rules: 31,
      digest: 'c0de58b94f7a21e6d5083bc7f1a9429f2c41d07be8a35560e1d4c98f7b2a6613',
      openPorts: ['tcp/22', 'tcp/80', 'tcp/8080', 'tcp/50051'],
      checkedAt: '2026-11-21T11:15:00Z',
    },
    coordinator: {
      configured: false,
      url: null,
      reachable: null,
      failingStage: null,
      message: 'This appliance works on its own until a coordinator is configured.',
      checkedAt: null,
      link: null,
    },
    services: [
      service('compliance-agent.service', 'Agent and status page', 'running', true, 64_487_424),
      service('bulkhead-firewall.service', 'Firewall', 'done', true, null),
      service('msp-health-gate.service', 'Health gate', 'done', true, null),
      service('systemd-networkd.service', 'Network', 'running', true, 5_951_488),
      service('systemd-timesyncd.service', 'Time', 'running', false, 2_252_800),
      service('ssh.service', 'SSH', 'stopped', false, null),
    ],
  };
}

function service(
  unit: string,
  description: string,
  state: Status['services'][number]['state'],
  critical: boolean,
  memory_bytes: number | null,
): Status['services'][number] {
  return { unit, description, state, critical, restarts: state === 'stopped' ? null : 0, memory_bytes };
}

/** A new version in its second attempt, not judged yet; the coordinator hangs behind a proxy that breaks TLS. */
export function trialStatus(): Status {
  const base = healthyStatus();
  return {
    ...base,
    version: { ...base.version, running: '0.5.0-rc.1', program: '0.5.0-rc.1' },
    boot: {
      ...base.boot,
      bootId: '91d2c7aa-0e15-4b8f-9d33-c06b5f1e7a20',
      slot: 'B',
      mode: 'trial',
      attempt: 2,
    },
    slots: [
      {
        slot: 'A',
        state: 'active',
        running: false,
        version: '0.4.2',
        rootHash: HASH_A,
        builtAt: '2026-11-17T18:20:00Z',
      },
      {
        slot: 'B',
        state: 'trial',
        running: true,
        version: '0.5.0-rc.1',
        rootHash: HASH_B,
        builtAt: '2026-11-20T22:41:00Z',
      },
    ],
    update: verifyingUpdate(),
    health: {
      outcome: 'pending',
      verdicts: [
        verdict({
          id: '2a6613c0-1',
          bootId: '2a6613c0-de58-494f-8a21-e6d5083bc7f1',
          at: '2026-11-21T11:13:40Z',
          slot: 'B',
          version: '0.5.0-rc.1',
          attempt: 1,
          outcome: 'unhealthy',
          action: 'reboot',
          reason: 'The agent did not answer on port 80 within 60 s.',
          checks: PASSED.map((each) =>
            each.name === 'agent'
              ? {
                  ...each,
                  outcome: 'fail',
                  message: 'no answer on port 80 within 60 s: connection refused',
                  duration_ms: 60_004,
                }
              : each,
          ),
        }),
        ...base.health.verdicts,
      ],
    },
    system: { ...base.system, uptime_s: 38, load: [1.42, 0.4, 0.14], temperature_c: null },
    time: { ...base.time, synchronised: null, offset_ms: null, server: null },
    coordinator: {
      configured: true,
      url: 'https://coordinator.example.net',
      reachable: false,
      failingStage: 'tls',
      message:
        'The certificate of coordinator.example.net is not valid before 2026-12-01; the clock here says 2026-11-21.',
      checkedAt: '2026-11-21T11:17:44Z',
      link: null,
    },
    services: base.services.map((each) =>
      each.unit === 'msp-health-gate.service' ? { ...each, state: 'starting' } : each,
    ),
  };
}

/** Nothing boots normally any more: rescue, with several things wrong at once. */
export function rescueStatus(): Status {
  const base = healthyStatus();
  const bootId = 'd48e2b60-77f1-4a0c-b5c9-3e91f2a8d715';
  return {
    ...base,
    boot: {
      ...base.boot,
      bootId,
      slot: 'A',
      mode: 'rescue',
      attempt: 3,
      stateFile: 'damaged',
      contradiction: null,
    },
    slots: [
      {
        slot: 'A',
        state: 'bad',
        running: true,
        version: '0.4.2',
        rootHash: HASH_A,
        builtAt: '2026-11-17T18:20:00Z',
      },
      { slot: 'B', state: 'empty', running: false, version: null, rootHash: null, builtAt: null },
    ],
    update: {
      ...base.update,
      state: 'failed',
      message: 'the boot state cannot be read; see `bulkhead slots`',
    },
    health: {
      outcome: 'unhealthy',
      verdicts: [
        verdict({
          id: `${bootId}-1`,
          bootId,
          at: '2026-11-21T11:16:31Z',
          attempt: 3,
          outcome: 'unhealthy',
          action: 'stay',
          reason: 'The data partition could not be mounted, and there is no other slot to go to.',
          checks: PASSED.map((each) => {
            if (each.name === 'data-partition') {
              return {
                ...each,
                outcome: 'fail',
                message: 'MSP-DATA: mount failed, bad superblock on /dev/nvme0n1p4',
              };
            }
            if (each.name === 'disk-space')
              return { ...each, outcome: 'skipped', message: 'no data partition' };
            if (each.name === 'network-link')
              return { ...each, outcome: 'fail', message: 'enp2s0 has no carrier' };
            return each;
          }),
        }),
        ...base.health.verdicts,
      ],
    },
    system: {
      ...base.system,
      uptime_s: 104,
      memory: { ...base.system.memory, used_bytes: 3_700_000_000 },
      dataDisk: { total_bytes: null, used_bytes: null, readOnly: null },
      temperature_c: 88.1,
      watchdog: { present: false, identity: null, timeout_s: null },
    },
    time: { ...base.time, synchronised: false, server: null, offset_ms: null, zone: 'UTC' },
    network: {
      ...base.network,
      interfaces: base.network.interfaces.map((each) => ({
        ...each,
        carrier: false,
        speed_mbps: null,
        addresses: [],
      })),
      primaryAddress: null,
      gateway: null,
      dns: [],
    },
    firewall: { ...base.firewall, loaded: false, rules: 0, digest: null, openPorts: [] },
    coordinator: {
      configured: true,
      url: 'https://coordinator.example.net',
      reachable: false,
      failingStage: 'link',
      message: 'No interface has a link.',
      checkedAt: '2026-11-21T11:17:58Z',
      link: null,
    },
    services: base.services.map((each) =>
      each.unit === 'bulkhead-firewall.service' ? { ...each, state: 'failed', restarts: 3 } : each,
    ),
  };
}

/** The running version was judged and found wanting; the gate is about to reboot into the next attempt. */
export function unhealthyStatus(): Status {
  const base = trialStatus();
  const failed = base.health.verdicts[0];
  return {
    ...base,
    health: {
      outcome: 'unhealthy',
      verdicts:
        failed === undefined
          ? []
          : [
              { ...failed, id: `${base.boot.bootId}-1`, bootId: base.boot.bootId, attempt: 2 },
              ...base.health.verdicts,
            ],
    },
  };
}

/** A healthy appliance while 0.5.0 comes in. */
export function downloadingStatus(): Status {
  return { ...healthyStatus(), update: downloadingUpdate() };
}

/** A healthy appliance that went back to 0.4.2 by itself. */
export function rolledBackStatus(): Status {
  const base = healthyStatus();
  const slots = base.slots.map((slot) =>
    slot.slot === 'B' ? { ...slot, state: 'bad' as const, version: '0.5.0' } : slot,
  );
  return { ...base, slots, update: rolledBackUpdate() };
}
