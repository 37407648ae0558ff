import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { makeFolder } from '../../../../test/unit/make-folder.ts';
import type { Detection } from '../../../findings/detection.ts';
import { createFindings, type Findings } from '../../../findings/findings.ts';
import { exampleDetection, NOON_S, SENSOR } from '../../../findings/lab/detections.ts';
import type { CommandResult } from '../../../sensors/commands/commands.ts';
import { type SensorLab, sensorLab } from '../../../sensors/lab/sensor-lab.ts';
import type { Sensor } from '../../../sensors/registry/sensor.ts';
import type { OpenedTarget } from '../../target.ts';
import { sensorFacts, sensorTarget } from './sensor-target.ts';

const sensor: Sensor = {
  ...{ id: SENSOR, hostname: 'till-1', way: 'http', domain: null, os_version: 'Debian GNU/Linux 12' },
  ...{ agent_version: '1', mac_address: null, tier: 'self_heal', admitted_at: '', admitted_by: 'code' },
  ...{ revoked_at: null, last_heard_at: new Date(NOON_S * 1000).toISOString(), mode: null },
  ...{ drift_count: 0, healing_count: 0 },
};
const HEALING = { id: `h-${'b'.repeat(32)}`, check_type: 'firewall' };

let lab: SensorLab;
let findings: Findings;
let target: OpenedTarget;
beforeEach(async () => {
  lab = sensorLab(makeFolder('sensor-target'));
  const { store, registry, commands } = lab.parts;
  await registry.add(sensor);
  findings = createFindings({ store, now_ms: () => (NOON_S + 100) * 1000, warn: lab.warn });
  target = sensorTarget({ sensor, platform: 'linux', healing: HEALING, commands, findings });
});
afterEach(async () => {
  await target.close();
  findings.stop();
  await lab.close();
});
const tell = (changed: Partial<Detection>) =>
  findings.record([exampleDetection({ subject: SENSOR, ...changed })]);
const end = (changed: Partial<CommandResult> = {}) => lab.parts.commands.result(result(changed));
const result = (changed: Partial<CommandResult> = {}): CommandResult => ({
  ...{ command_id: HEALING.id, sensor: SENSOR, check_type: 'firewall', success: true, error_message: '' },
  ...{ at_s: NOON_S + 10, artifacts: {} },
  ...changed,
});
const never = AbortSignal.timeout(60_000);
const act = () => target.act('enable_firewall', {}, never);

describe('a sensor as a target', () => {
  test('is given the command, and says what became of it', async () => {
    const acting = act();
    expect(lab.parts.commands.pending(SENSOR)).toEqual([
      {
        command_id: HEALING.id,
        check_type: 'firewall',
        action: 'enable_firewall',
        params: {},
        timeout_s: 120,
      },
    ]);
    await end({ command_id: 'h-other' });
    await end({ sensor: 's-00000000000000a2' });
    await end({ success: false, error_message: 'not permitted' });
    expect(await acting).toEqual({ claimed: false, output: 'not permitted' });
  });

  test('has its second look in the next detection behind the result, by its own clock', async () => {
    const acting = act();
    await tell({ passed: true, at_s: NOON_S + 20 });
    await end();
    await acting;
    const looked = target.detect('firewall', never);
    await tell({ passed: true, at_s: NOON_S + 9 });
    await tell({ passed: false, at_s: NOON_S + 10 });
    await tell({ passed: true, at_s: NOON_S + 30, check_type: 'time' });
    await tell({ passed: true, at_s: NOON_S + 30, subject: 's-00000000000000a2' });
    await tell({ passed: true, at_s: NOON_S + 10, actual: 'this one' });
    await tell({ passed: false, at_s: NOON_S + 11 });
    expect((await looked).actual).toBe('this one');
  });

  test('that has looked before it is asked for a second look is not asked to look twice', async () => {
    const acting = act();
    await end();
    await tell({ passed: false, at_s: NOON_S + 11, actual: 'still stopped' });
    await acting;
    expect((await target.detect('firewall', never)).actual).toBe('still stopped');
  });

  test('may be at it still when a process before this one has given the command', async () => {
    const command = { command_id: HEALING.id, check_type: 'firewall', action: 'enable_firewall', params: {} };
    lab.parts.commands.give(SENSOR, { ...command, timeout_s: 60 });
    const settled = target.settled(never);
    await tell({ passed: true, at_s: NOON_S + 30, actual: 'too early' });
    await end({ at_s: NOON_S + 40 });
    await settled;
    await tell({ passed: true, at_s: NOON_S + 50, actual: 'behind it' });
    expect((await target.detect('firewall', never)).actual).toBe('behind it');
  });
});

test('a sensor is Linux or Windows, is there while it is heard, and nobody once it is revoked', () => {
  const now_ms = (NOON_S + 60) * 1000;
  expect(sensorFacts(sensor, now_ms)).toEqual({ platform: 'linux', tier: 'self_heal', reachable: true });
  expect(sensorFacts({ ...sensor, os_version: 'Microsoft Windows 11 Pro' }, now_ms)?.platform).toBe(
    'windows',
  );
  expect(sensorFacts(sensor, now_ms + 180_000)?.reachable).toBe(false);
  expect(sensorFacts({ ...sensor, last_heard_at: null }, now_ms)?.reachable).toBe(false);
  expect(sensorFacts({ ...sensor, revoked_at: '2026-11-21T12:00:00Z' }, now_ms)).toBeNull();
  expect(sensorFacts(null, now_ms)).toBeNull();
});
