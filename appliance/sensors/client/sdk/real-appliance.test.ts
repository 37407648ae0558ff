import { afterEach, expect, test } from 'vitest';
import { makeFolder } from '../../../../test/unit/make-folder.ts';
import { createFindings } from '../../../findings/findings.ts';
import { type SensorOffer, serveSensorGrpc } from '../../grpc/server.ts';
import { sensorLab } from '../../lab/sensor-lab.ts';
import { openAuthority } from '../../pki/authority.ts';
import type { Reading } from './reading.ts';
import { createSensor, type SensorOptions } from './sensor.ts';

const ended: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ended.splice(0).reverse()) await end();
});

/** What will be true before long, also on a busy machine. */
const soon = <T>(read: () => T) => expect.poll(read, { timeout: 15_000 });

/** The service as the appliance runs it, on a store of its own. */
async function appliance() {
  const folder = makeFolder('appliance');
  const lab = sensorLab(folder);
  lab.clock.now_ms = Date.now();
  const { store, registry, admission, commands } = lab.parts;
  const findings = createFindings({ store, now_ms: lab.now_ms, warn: lab.warn });
  const authority = await openAuthority(folder, () => new Date());
  let offer: SensorOffer | null = null;
  const service = await serveSensorGrpc({
    ...{ authority, registry, admission, commands, findings, evidence: lab.evidence, warn: lab.warn },
    ...{ now: () => new Date(lab.now_ms()), port: 0, host: '127.0.0.1', offer: () => offer },
    names: () => ({ dns: ['localhost'], ip: ['127.0.0.1'] }),
  });
  ended.push(async () => {
    await service.stop();
    findings.stop();
    await lab.close();
  });
  const set = (next: SensorOffer) => {
    offer = next;
  };
  return {
    ...{ registry, admission, commands, findings },
    port: service.port,
    fingerprint: authority.fingerprint,
    offer: set,
  };
}

function start(of: { port: number; fingerprint: string }, changed: Partial<SensorOptions> = {}) {
  const stop = new AbortController();
  const sensor = createSensor({
    ...{ folder: makeFolder('sensor'), address: { host: '127.0.0.1', port: of.port }, checks: [] },
    authority: { fingerprint: of.fingerprint },
    facts: {
      hostname: 'ws-1',
      os_version: 'Debian GNU/Linux 12',
      agent_version: '1.0.0',
      mac_address: '02:00:00:00:00:01',
    },
    actions: { platform: 'linux', act: {} },
    log: () => undefined,
    ...{ check_interval_ms: 200, pace: { heartbeat_interval_ms: 100, pause_ms: () => 100 } },
    ...changed,
  });
  const run = sensor.run(stop.signal);
  ended.push(async () => {
    stop.abort();
    await run;
  });
  return sensor;
}

function reading(check_type: string, passed: boolean, actual: string): Reading {
  return { check_type, passed, expected: 'x', actual, control: null };
}

test('the real service lets the sensor in by its code, over mutual TLS, and has each event once', async () => {
  const { admission, findings, registry, offer, ...of } = await appliance();
  const { code } = await admission.makeCode('root', 'monitor_only');
  const offers: object[] = [];
  const sensor = start(of, {
    code,
    onOffer: (made) => offers.push(made),
    software: async () => ['nano 7.2', 'cron 3.0'],
  });
  const many = Array.from({ length: 250 }, (_, index) => `n${index}`);
  for (const name of many) sensor.tell(reading('disk', false, name));
  await soon(() => sensor.status()).toMatchObject({ waiting: 0, link: { state: 'connected' } });
  const subject = sensor.status().agent_id ?? '';
  const events = findings.events({ subject, limit: 1_000 });
  expect(events.map(({ actual }) => actual).reverse()).toEqual(many);
  expect(findings.open()).toMatchObject([{ subject, check_type: 'disk', hostname: 'ws-1', times_seen: 250 }]);
  expect(registry.find(subject)).toMatchObject({ admitted_by: 'code', agent_version: '1.0.0', way: 'grpc' });
  expect(registry.software.of(subject)).toEqual(['nano 7.2', 'cron 3.0']);
  sensor.tell(reading('disk', true, 'fine'));
  await soon(() => findings.open()).toEqual([]);
  offer({ version: '2.0.0', url: 'http://127.0.0.1:1/x', sha256: 'ab' });
  await soon(() => offers[0]).toMatchObject({ version: '2.0.0' });
});

test('the real service lets it in when somebody has approved what it shows, and not any more when it was revoked', async () => {
  const { admission, registry, findings, ...of } = await appliance();
  const sensor = start(of);
  await soon(() => admission.waiting()).toMatchObject([{ hostname: 'ws-1' }]);
  const [waiting] = admission.waiting();
  const { link } = sensor.status();
  expect('why' in link ? link.why : '').toContain(waiting?.fingerprint ?? 'nobody waits');
  await admission.approve({ fingerprint: waiting?.fingerprint ?? '', by: 'operator', tier: 'self_heal' });
  await soon(() => sensor.status().link.state).toBe('connected');
  const id = sensor.status().agent_id ?? '';
  await registry.revoke(id);
  await soon(() => sensor.status().link).toMatchObject({
    state: 'refused',
    why: expect.stringMatching(/PERMISSION_DENIED/),
  });
  const before = findings.events({ subject: id, limit: 10 }).length;
  sensor.tell(reading('ssh', false, 'unheard'));
  await Bun.sleep(500);
  expect(findings.events({ subject: id, limit: 10 })).toHaveLength(before);
  expect(sensor.status().waiting).toBe(1);
});

test('a command of the real service is carried out once, proved by a second look, and its result arrives', async () => {
  const { admission, commands, findings, ...of } = await appliance();
  const { code } = await admission.makeCode('root', 'self_heal');
  const results: object[] = [];
  commands.onResult((result) => results.push(result));
  let runs = false;
  let times = 0;
  const sensor = start(of, {
    code,
    checks: [{ check_type: 'time', look: async () => reading('time', runs, runs ? 'it is' : 'it is not') }],
    check_interval_ms: 60_000,
    actions: {
      platform: 'linux',
      act: {
        restart_time_sync: async () => {
          runs = true;
          return `started ${++times}`;
        },
      },
    },
  });
  await soon(() => findings.open()).toMatchObject([{ check_type: 'time' }]);
  const id = sensor.status().agent_id ?? '';
  commands.give(id, {
    command_id: 'c-1',
    check_type: 'time',
    action: 'restart_time_sync',
    params: {},
    timeout_s: 30,
  });
  await soon(() => results).toMatchObject([
    { command_id: 'c-1', sensor: id, success: true, artifacts: { output: 'started 1' } },
  ]);
  await soon(() => findings.open()).toEqual([]);
  await soon(() => commands.pending(id)).toEqual([]);
  expect(times).toBe(1);
  expect(results).toHaveLength(1);
});
