import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { exampleFingerprint } from '../../protocol/messages/example-fingerprint.ts';
import { simulatedAppliance } from '../../test/coordinator/appliance.ts';
import { BACKENDS, openBackends } from '../../test/coordinator/backends.ts';
import { type CoordinatorLab, startLab, stopLabs } from '../../test/coordinator/coordinator-lab.ts';
import { approvedDevice, type Device } from '../../test/coordinator/device.ts';
import { administrator, TEST_KEYS_FILE } from '../../test/coordinator/publisher.ts';
import { Visitor } from '../../test/coordinator/visitor.ts';
import { installLab } from '../../test/unit/install-lab.ts';
import { makeFolder } from '../../test/unit/make-folder.ts';
import { publishRelease } from '../client/publish.ts';
import { runProgram } from '../program.ts';
import { ALARM_LEASE_MS, DRIFT_INTERVAL_MS, REFUSALS_MIN } from './limits.ts';

const backends = openBackends();
const box = installLab();
const MINUTE_MS = 60_000;
const PATIENT = { timeout: 15_000 };
// They look again and again; those of tests that are over would slow the others down.
afterEach(stopLabs);

interface Shown {
  id: string;
  kind: string;
  subject: string;
  message: string;
  closed_ms: number | null;
  note: string | null;
}

const start = ({ data, url }: { data: string; url?: string | undefined }) =>
  startLab({
    ...{ data, database_url: url, alarm_interval_ms: 50, plan_interval_ms: 20 },
    release_keys: TEST_KEYS_FILE,
  });

async function alarms(lab: CoordinatorLab, query = ''): Promise<Shown[]> {
  const { body } = await lab.call('GET', `/api/v1/alarms${query}`, undefined, await lab.admin());
  return body['alarms'] as Shown[];
}

const kinds = async (lab: CoordinatorLab) => (await alarms(lab)).map(({ kind }) => kind).sort();

async function tellState(device: Device, reason: string, changed: object): Promise<void> {
  const fingerprint = { ...exampleFingerprint(), ...changed };
  const { status } = await device.send('/agent/state', {
    ...{ reason, observed_at_ms: device.lab.now_ms(), uptime_s: 10, fingerprint },
  });
  expect(status).toBe(200);
}

describe.each(BACKENDS)('on %s', (backend) => {
  test('an appliance that falls silent is an alarm, once, until it is heard again', async () => {
    const lab = await start(await backends.place(backend));
    const device = await approvedDevice(lab);
    await device.heartbeat();
    expect(await alarms(lab)).toEqual([]);
    lab.wait(11 * MINUTE_MS);
    await expect.poll(() => kinds(lab), PATIENT).toEqual(['appliance_silent']);
    const [alarm] = await alarms(lab);
    expect(alarm).toMatchObject({ subject: `device:${device.id}`, severity: 'critical', note: null });
    await Bun.sleep(100);
    expect((await alarms(lab))[0]?.id).toBe(alarm?.id);
    await device.heartbeat();
    await expect.poll(() => alarms(lab), PATIENT).toEqual([]);
    expect(await alarms(lab, '?state=closed')).toMatchObject([{ id: alarm?.id }]);
    const { body } = await lab.call('GET', '/api/v1/audit', undefined, await lab.admin());
    const deeds = (body['entries'] as { action: string; subject: string }[]).filter(
      ({ subject }) => subject === `alarm:${alarm?.id}`,
    );
    expect(deeds.map(({ action }) => action)).toEqual(['alarm.close', 'alarm.open']);
  });

  test('a firewall that changed by itself is an alarm until it is as it was', async () => {
    const lab = await start(await backends.place(backend));
    const device = await approvedDevice(lab);
    await tellState(device, 'startup', { firewall_hash: 'a'.repeat(64) });
    await tellState(device, 'state_delta', { firewall_hash: 'b'.repeat(64) });
    await expect.poll(() => kinds(lab), PATIENT).toEqual(['firewall_changed']);
    await tellState(device, 'state_delta', { firewall_hash: 'a'.repeat(64) });
    await expect.poll(() => alarms(lab), PATIENT).toEqual([]);
  });

  test('an update that ended badly is an alarm until one works', async () => {
    const lab = await start(await backends.place(backend));
    const device = await approvedDevice(lab);
    await tellState(device, 'startup', {});
    const order = async (version: string, state: string) => {
      const bundle = { sha256: 'c'.repeat(64), size_bytes: 1, urls: ['/x'] };
      const parameters = { version, bundle, reboot: 'at_once' };
      const made = await lab.call(
        ...(['POST', '/api/v1/orders'] as const),
        { device_id: device.id, type: 'update', parameters, attempts_max: 1 },
        await lab.admin(),
      );
      await device.heartbeat();
      const told = { attempt: 1, state, observed_at_ms: 1, message: 'the health gate refused it' };
      await device.send(`/agent/orders/${made.body['id']}/result`, told);
    };
    await order('2.0.0', 'failed');
    await expect.poll(() => kinds(lab), PATIENT).toEqual(['update_failing']);
    expect((await alarms(lab))[0]?.message).toContain('2.0.0 ended as failed: the health gate refused it');
    await order('2.0.1', 'succeeded');
    await expect.poll(() => alarms(lab), PATIENT).toEqual([]);
    await device.heartbeat({ update: { version: '2.0.2', state: 'rolled_back' } });
    await expect.poll(() => kinds(lab), PATIENT).toEqual(['update_failing']);
  });

  test('requests that fail their verification are an alarm above a rate', async () => {
    const lab = await start(await backends.place(backend));
    const device = await approvedDevice(lab);
    for (let count = 0; count < REFUSALS_MIN; count += 1) await device.heartbeat({}, { otherBody: '{}' });
    await expect.poll(() => kinds(lab), PATIENT).toEqual(['reports_refused']);
    lab.wait(8 * MINUTE_MS);
    await expect.poll(() => alarms(lab), PATIENT).toEqual([]);
  });

  test('who has arrived and runs something else again has drifted; a changed image is told apart', async () => {
    const lab = await start(await backends.place(backend));
    const api = await administrator(lab);
    await box.full('new');
    await publishRelease(api, box.bundleFile('new'), { channel: 'stable', floors: [] });
    const appliance = await simulatedAppliance(lab);
    const definition = { version: '1.1.0', cohort: 'all', stages: [{ percent: 100 }], soak_ms: 0 };
    const { id } = (await api.call('POST', '/api/v1/rollouts', definition)) as { id: string };
    await api.call('POST', `/api/v1/rollouts/${id}/actions`, { action: 'approve' });
    const phase = async () => {
      await appliance.turn();
      return ((await api.call('GET', `/api/v1/rollouts/${id}`)) as { phase: string }).phase;
    };
    await expect.poll(phase, PATIENT).toBe('completed');
    // It says 1.1.0 with the root hash of an example.
    await expect.poll(() => kinds(lab), PATIENT).toEqual(['image_changed']);
    appliance.version = '1.0.0';
    await appliance.report();
    lab.wait(DRIFT_INTERVAL_MS);
    await expect.poll(() => kinds(lab), PATIENT).toEqual(['drift']);
    expect((await alarms(lab))[0]?.message).toContain('it should run 1.1.0');
  });

  test('a rollout that stopped itself is an alarm until somebody decides', async () => {
    const lab = await start(await backends.place(backend));
    const api = await administrator(lab);
    await box.full('new');
    await publishRelease(api, box.bundleFile('new'), { channel: 'stable', floors: [] });
    const appliance = await simulatedAppliance(lab, { habit: 'roll_back' });
    const definition = { version: '1.1.0', cohort: 'all', stages: [{ percent: 100 }], soak_ms: 0 };
    const { id } = (await api.call('POST', '/api/v1/rollouts', definition)) as { id: string };
    await api.call('POST', `/api/v1/rollouts/${id}/actions`, { action: 'approve' });
    const look = async () => {
      await appliance.turn();
      return await kinds(lab);
    };
    await expect.poll(look, PATIENT).toEqual(['rollout_braked', 'update_failing']);
    await api.call('POST', `/api/v1/rollouts/${id}/actions`, { action: 'cancel' });
    await expect.poll(() => kinds(lab), PATIENT).toEqual(['update_failing']);
  });
});

test('two coordinators on one PostgreSQL open one alarm, and one goes on when the other is gone', async () => {
  const place = await backends.place('postgres');
  const [first, second] = [await start(place), await start(place)];
  const devices = [];
  for (let count = 0; count < 5; count += 1) devices.push(await approvedDevice(first));
  for (const device of devices) await device.heartbeat();
  for (const lab of [first, second]) lab.wait(11 * MINUTE_MS);
  await expect.poll(async () => (await alarms(second)).length, PATIENT).toBe(5);
  await first.stop();
  second.wait(ALARM_LEASE_MS);
  for (const device of devices) await Object.assign(device, { lab: second }).heartbeat();
  await expect.poll(() => alarms(second), PATIENT).toEqual([]);
  expect(await alarms(second, '?state=all')).toHaveLength(5);
});

test('a person sees the alarm on the page and from the command line, and says what they do', async () => {
  const lab = await start(await backends.place('sqlite'));
  const page = new Visitor(lab, await lab.admin());
  expect((await page.see('/alarms')).html).toContain('Nothing is wrong.');
  const device = await approvedDevice(lab, { hostname: 'bulkhead-reception' });
  await device.heartbeat();
  lab.wait(11 * MINUTE_MS);
  await expect.poll(() => kinds(lab), PATIENT).toEqual(['appliance_silent']);
  const id = (await alarms(lab))[0]?.id ?? '';
  expect((await page.see('/')).html).toContain('that nobody has seen');
  expect((await page.see('/alarms')).html).toContain('bulkhead-reception has not been heard since');

  const token = join(makeFolder('token'), 'token');
  await Bun.write(token, await lab.admin());
  const command = async (...args: string[]) => {
    const said = { out: '', err: '', code: 0 };
    await runProgram(['alarm', ...args, '--server', lab.url, '--token-file', token], {
      out: (text) => (said.out += text),
      err: (text) => (said.err += text),
      setExitCode: (code) => (said.code = code),
    });
    return said;
  };
  expect((await command('list')).out).toMatch(/critical +appliance_silent +- +bulkhead-reception has/);
  expect((await command('acknowledge', id, '--note', 'on my way')).code).toBe(0);
  expect((await command('show', id)).out).toContain('"note": "on my way"');
  expect((await page.see('/alarms')).html).toContain('user:admin: on my way');
  expect((await page.see('/')).html).not.toContain('that nobody has seen');
  const sent = await page.send('/alarms', { act: 'acknowledge', id, note: 'there now' });
  expect(sent.location).toContain('done=acknowledged');
  const metrics = String((await lab.call('GET', '/metrics')).body['text']);
  expect(metrics).toContain('alarms_open{kind="appliance_silent"} 1');
  await device.heartbeat();
  await expect.poll(() => alarms(lab), PATIENT).toEqual([]);
  expect((await command('acknowledge', id, '--note', 'late')).err).toContain('ALARM_CLOSED');
  expect((await command('show', id.replace(/^./, 'f'))).err).toContain('ALARM_UNKNOWN');
  expect((await page.see('/alarms?board=closed')).html).toContain('there now');
});

test('who only looks acknowledges nothing', async () => {
  const lab = await start(await backends.place('sqlite'));
  const { body } = await lab.call(
    'POST',
    '/api/v1/tokens',
    { name: 'look', scopes: ['read'] },
    await lab.admin(),
  );
  const path = '/api/v1/alarms/00000000-0000-7000-8000-000000000000/acknowledge';
  const answer = await lab.call('POST', path, { note: 'x' }, String(body['token']));
  expect(answer.body.error?.code).toBe('FORBIDDEN');
});
