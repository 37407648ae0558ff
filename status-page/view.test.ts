import { describe, expect, test } from 'vitest';
import { connectedStatus, pendingStatus, turnedAwayStatus } from './example-link.ts';
import { healthyStatus, rescueStatus, trialStatus, unhealthyStatus } from './example-status.ts';
import { rolledBackUpdate } from './example-updates.ts';
import type { Status } from './status.ts';
import { headline, notices, ratio, stages } from './view.ts';

describe('the headline', () => {
  test('of a healthy boot gives the reason of this boot', () => {
    expect(headline(healthyStatus())).toEqual({
      tone: 'good',
      word: 'Healthy',
      reason: 'All 8 decisive checks passed.',
    });
  });

  test('of a boot that was not judged yet does not borrow the verdict of the boot before', () => {
    const shown = headline(trialStatus());
    expect(shown).toMatchObject({ tone: 'wait', word: 'Checking' });
    expect(shown.reason).not.toContain('port 80');
  });

  test('of a refused boot is bad and says why', () => {
    expect(headline(unhealthyStatus())).toMatchObject({ tone: 'bad', word: 'Unhealthy' });
    expect(headline(unhealthyStatus()).reason).toContain('port 80');
  });

  test('of a rescue boot is bad even when someone claims that it is healthy', () => {
    const status = rescueStatus();
    expect(headline({ ...status, health: { ...status.health, outcome: 'healthy' } })).toMatchObject({
      tone: 'bad',
      word: 'Rescue',
    });
  });

  test('of the installation medium judges nothing', () => {
    const status = healthyStatus();
    expect(headline({ ...status, boot: { ...status.boot, mode: 'live' } }).tone).toBe('wait');
  });
});

describe('what is worth a look', () => {
  test('is nothing on a healthy appliance', () => {
    expect(notices(healthyStatus())).toEqual([]);
  });

  const base = healthyStatus();
  test.each<[string, Partial<Status>]>([
    [
      'not certain which slot',
      { boot: { ...base.boot, contradiction: 'command line says A, mount says B' } },
    ],
    ['boot state is missing', { boot: { ...base.boot, stateFile: 'missing' } }],
    ['on trial', { boot: { ...base.boot, mode: 'trial' } }],
    [
      'Slot B failed',
      { slots: base.slots.map((slot) => (slot.slot === 'B' ? { ...slot, state: 'bad' } : slot)) },
    ],
    ['The update to 0.5.0 was rolled back: no boot of it reached', { update: rolledBackUpdate() }],
    [
      'The last update failed: FETCH_UNREACHABLE',
      { update: { ...rolledBackUpdate(), history: rolledBackUpdate().history.slice(1) } },
    ],
    ['program is version 0.3.0', { version: { ...base.version, program: '0.3.0' } }],
    [
      'Service failed: Time',
      {
        services: base.services.map((each) =>
          each.description === 'Time' ? { ...each, state: 'failed' } : each,
        ),
      },
    ],
    ['firewall is not loaded', { firewall: { ...base.firewall, loaded: false } }],
    [
      'No hardware watchdog',
      { system: { ...base.system, watchdog: { present: false, identity: null, timeout_s: null } } },
    ],
    ['does not follow a time server', { time: { ...base.time, synchronised: false } }],
    ['4.0 s away', { time: { ...base.time, offset_ms: -4000 } }],
    [
      'cannot be written',
      { system: { ...base.system, dataDisk: { ...base.system.dataDisk, readOnly: true } } },
    ],
    [
      'partition is 95',
      { system: { ...base.system, dataDisk: { total_bytes: 100, used_bytes: 95, readOnly: false } } },
    ],
    [
      'of the memory',
      { system: { ...base.system, memory: { total_bytes: 100, used_bytes: 90, agent_bytes: 1 } } },
    ],
    ['91 °C', { system: { ...base.system, temperature_c: 91 } }],
    ['No network cable', { network: { ...base.network, interfaces: [] } }],
    [
      'coordinator cannot be reached: dns fails',
      { coordinator: { ...base.coordinator, configured: true, reachable: false, failingStage: 'dns' } },
    ],
  ])('%s', (expected, change) => {
    const found = notices({ ...healthyStatus(), ...change });
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(expected);
  });

  test.each([
    [pendingStatus(), ['An operator has to approve this appliance: code QA33-50D8-FNWJ-V5ND.']],
    [connectedStatus(), []],
    [
      turnedAwayStatus(),
      [
        'The coordinator turns this appliance away.',
        'The coordinator wants a newer agent.',
        'What waits for the coordinator is kept in memory only.',
      ],
    ],
  ])('of the coordinator', (status, expected) => expect(notices(status)).toEqual(expected));

  test('does not claim what is not known', () => {
    const unknown: Partial<Status> = {
      time: { ...base.time, synchronised: null, offset_ms: null },
      system: {
        ...base.system,
        temperature_c: null,
        dataDisk: { total_bytes: null, used_bytes: null, readOnly: null },
      },
    };
    expect(notices({ ...healthyStatus(), ...unknown })).toEqual([]);
  });
});

describe('the way to the coordinator', () => {
  const outcomes = (reachable: boolean | null, failingStage: 'tls' | 'link' | 'auth' | null) =>
    stages({ ...base, reachable, failingStage }).map((each) => each.outcome);
  const base = { ...healthyStatus().coordinator, configured: true };

  test('shows what worked, what failed and what was not tried', () => {
    expect(outcomes(false, 'tls')).toEqual(['passed', 'passed', 'passed', 'failed', 'unknown', 'unknown']);
    expect(outcomes(false, 'link')).toEqual([
      'failed',
      'unknown',
      'unknown',
      'unknown',
      'unknown',
      'unknown',
    ]);
    // That somebody is there does not say that he knows us.
    expect(outcomes(true, null)).toEqual([...Array(5).fill('passed'), 'unknown']);
    expect(stages(connectedStatus().coordinator).map((each) => each.outcome)).toEqual(
      Array(6).fill('passed'),
    );
    expect(outcomes(false, 'auth')).toEqual([...Array(5).fill('passed'), 'failed']);
    expect(outcomes(null, null)).toEqual(Array(6).fill('unknown'));
  });
});

test('a ratio stays between 0 and 1 and is not made up', () => {
  expect(ratio(1, 4)).toBe(0.25);
  expect(ratio(9, 4)).toBe(1);
  expect(ratio(-1, 4)).toBe(0);
  expect(ratio(1, 0)).toBeNull();
  expect(ratio(null, 4)).toBeNull();
});
