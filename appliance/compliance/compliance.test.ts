import { afterEach, expect, test } from 'vitest';
import { makeFolder } from '../../test/unit/make-folder.ts';
import type { Detection } from '../findings/detection.ts';
import { goodSight, NOON_MS } from './lab/sight.ts';
import { type ComplianceLab, startCompliance } from './lab/start-compliance.ts';
import type { Machine } from './machines.ts';
import { APPLIANCE_CONTROLS } from './register/register.ts';
import { isDue } from './schedule.ts';

const SENSOR = 's-00000000000000a1';
const labs: ComplianceLab[] = [];
afterEach(async () => {
  for (const lab of labs.splice(0)) await lab.stop();
});

function start(machines: (() => readonly Machine[]) | null = null, folder = makeFolder('compliance')) {
  const lab = startCompliance(folder, machines);
  labs.push(lab);
  return { ...lab, lab, folder };
}

const HOUR_MS = 3_600_000;

const ofSensor = (more: Partial<Detection>): Detection => ({
  ...{
    subject: SENSOR,
    hostname: 'till-1',
    check_type: 'firewall',
    passed: true,
    expected: 'on',
    actual: 'on',
  },
  ...{ control: null, severity: 'high', at_s: NOON_MS / 1000, metadata: {} },
  ...more,
});

test('every control becomes a detection, and what fails a finding that closes when it holds', async () => {
  const { lab, compliance, findings } = start();
  lab.sight = { ...goodSight(), wirelessUp: ['wlan0'] };
  const { report } = await compliance.run();
  expect(findings.checks({ subject: 'appliance' })).toHaveLength(APPLIANCE_CONTROLS.length);
  expect(findings.open()).toMatchObject([
    { subject: 'appliance', check_type: 'network.wireless', control: 'BH-SC-17', actual: 'up: wlan0' },
  ]);
  expect(report.findings).toHaveLength(1);
  lab.sight = goodSight();
  lab.clock_ms += 60_000;
  await compliance.run();
  expect(findings.open()).toEqual([]);
});

test('what has not changed is put on record again by the hour when it fails, and four times a day when it holds', async () => {
  const { lab, compliance, findings } = start();
  lab.sight = { ...goodSight(), wirelessUp: ['wlan0'] };
  const events = () => findings.events({ limit: 1000 }).length;
  await compliance.run();
  const first = events();
  lab.clock_ms += 15 * 60_000;
  await compliance.run();
  expect(events()).toBe(first);
  lab.clock_ms += HOUR_MS;
  lab.sight = { ...goodSight(), wirelessUp: ['wlan0'], root: fresh(lab.clock_ms) };
  await compliance.run();
  // The firewall and the machine have not been looked at anew in this time: they are unknown now.
  expect(findings.find({ check_type: 'network.wireless' })).toMatchObject([{ times_seen: 2 }]);
});

test('a justified control closes its finding', async () => {
  const { lab, compliance, findings } = start();
  lab.sight = { ...goodSight(), wirelessUp: ['wlan0'] };
  await compliance.run();
  expect(findings.open()).toHaveLength(1);
  const { root } = goodSight();
  const justifications = [{ control: 'BH-SC-17', reason: 'no cable leads there', until: '2026-12-31' }];
  lab.sight = { ...lab.sight, root: root && { ...root, justifications } };
  lab.clock_ms += 1_000;
  const { report } = await compliance.run();
  expect(findings.open()).toEqual([]);
  const control = report.controls.find(({ id }) => id === 'BH-SC-17');
  expect(control).toMatchObject({
    state: 'justified',
    since: new Date(lab.clock_ms).toISOString(),
    justification: { by: 'configuration', until: '2026-12-31' },
  });
});

test('the report counts what holds, and what is justified apart', async () => {
  const { report } = await start().compliance.run();
  const justified = APPLIANCE_CONTROLS.filter(({ exception }) => exception !== null).length;
  const all = APPLIANCE_CONTROLS.length;
  expect(report.appliance).toEqual({
    ...{ holds: all - justified, fails: 0, unknown: 0, justified, not_applicable: 0 },
    ...{ rate: 1, strict_rate: (all - justified) / all },
  });
  expect(report.frameworks.map(({ framework }) => framework)).toEqual(['HIPAA', 'SRG', 'STIG']);
});

test('machines are what their checks said last; a silent one is unknown', async () => {
  const heard_s = NOON_MS / 1000;
  const machines: Machine[] = [{ subject: SENSOR, hostname: 'till-1', heard_s }];
  const { lab, compliance, findings } = start(() => machines);
  await findings.record([
    ofSensor({}),
    ofSensor({ check_type: 'bitlocker', passed: false, actual: 'off' }),
    ofSensor({ check_type: 'humidity', passed: false, control: '164.310(a)(1)' }),
    ofSensor({ subject: 's-00000000000000ff', check_type: 'bitlocker', passed: false }),
    ofSensor({ subject: 't-server', check_type: 'ssh' }),
  ]);
  const { report } = await compliance.run();
  expect(report.machines.map(({ subject }) => subject)).toEqual(['appliance', SENSOR, 't-server']);
  expect(report.machines[1]).toMatchObject({ holds: 1, fails: 2, failing: ['BH-EP-01', 'humidity'] });
  const bitlocker = report.controls.find(({ id }) => id === 'BH-EP-01');
  expect(bitlocker).toMatchObject({ state: 'fails', seen: 'fails on 1', machines: { fails: 1, holds: 0 } });
  lab.clock_ms += 4 * HOUR_MS;
  expect((await compliance.run()).report.machines[1]).toMatchObject({ holds: 0, unknown: 3 });
  machines[0] = { subject: SENSOR, hostname: 'till-1', heard_s: lab.clock_ms / 1000 };
  expect((await compliance.run()).report.machines[1]).toMatchObject({ holds: 1, fails: 2 });
  lab.clock_ms += 8 * 24 * HOUR_MS;
  expect((await compliance.run()).report.machines.map(({ subject }) => subject)).toEqual([
    'appliance',
    SENSOR,
  ]);
});

test('rates are kept by the hour and are evidence once an hour', async () => {
  const { lab, compliance, evidence } = start();
  await compliance.run();
  lab.clock_ms += 15 * 60_000;
  lab.sight = { ...goodSight(), wirelessUp: ['wlan0'] };
  await compliance.run();
  expect(evidence).toHaveLength(1);
  expect(evidence[0]).toMatchObject({ hour: '2026-11-21T12:00:00.000Z', fails: 0, failing: [] });
  const query = { from_s: 0, until_s: lab.clock_ms / 1000, step: 'hour' } as const;
  expect(compliance.history({ scope: 'control:BH-SC-17', ...query })).toMatchObject([{ fails: 1, rate: 0 }]);
  expect(compliance.history({ scope: 'appliance', ...query })).toMatchObject([{ fails: 1, unknown: 0 }]);
});

test('who asks before the first look sees how it is, and nothing is put on record', async () => {
  const { compliance, findings } = start();
  const { report } = await compliance.latest();
  expect(report.appliance.holds).toBeGreaterThan(30);
  expect(findings.checks({})).toEqual([]);
});

test('since when a control is as it is outlives the process', async () => {
  const first = start();
  await first.compliance.run();
  labs.splice(0);
  await first.lab.stop();
  const { lab, compliance } = start(null, first.folder);
  lab.clock_ms += HOUR_MS / 4;
  const { report } = await compliance.run();
  expect(new Set(report.controls.map(({ since }) => since))).toEqual(
    new Set([new Date(NOON_MS).toISOString()]),
  );
});

test('a store that takes nothing costs the record, and not the look', async () => {
  const { lab, compliance, store, warnings } = start();
  store.stop();
  const stopped = compliance.run();
  await expect(stopped).rejects.toThrow();
  expect(warnings.join()).toContain('SITE_STORE_STOPPED');
  labs.splice(0);
  await lab.compliance.stop();
});

test('one check is measured anew for a healing, and not recorded', async () => {
  const { lab, compliance, findings } = start();
  lab.sight = { ...goodSight(), wirelessUp: ['wlan0'] };
  expect(await compliance.detect('network.wireless')).toMatchObject({ passed: false, actual: 'up: wlan0' });
  expect(await compliance.detect('bitlocker')).toBeNull();
  expect(findings.checks({})).toEqual([]);
});

test('it looks six minutes after its start, then every 15 minutes, and at once when the clock was set back', () => {
  const minutes = (count: number) => NOON_MS + count * 60_000;
  const started_ms = NOON_MS;
  expect(isDue({ now_ms: minutes(5), started_ms, seen_ms: null })).toBe(false);
  expect(isDue({ now_ms: minutes(6), started_ms, seen_ms: null })).toBe(true);
  expect(isDue({ now_ms: minutes(20), started_ms, seen_ms: minutes(6) })).toBe(false);
  expect(isDue({ now_ms: minutes(21), started_ms, seen_ms: minutes(6) })).toBe(true);
  expect(isDue({ now_ms: minutes(1), started_ms, seen_ms: minutes(6) })).toBe(true);
});

function fresh(at_ms: number) {
  const { root } = goodSight();
  return root && { ...root, at: new Date(at_ms).toISOString() };
}
