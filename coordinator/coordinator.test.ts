import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { exampleFingerprint } from '../protocol/messages/example-fingerprint.ts';
import { BACKENDS, openBackends } from '../test/coordinator/backends.ts';
import { type CoordinatorLab, startLab } from '../test/coordinator/coordinator-lab.ts';
import { approvedDevice, Device, type Where } from '../test/coordinator/device.ts';

const backends = openBackends();
const FORCE_CHECKIN = { type: 'force_checkin', parameters: {} };

async function start(place: { data: string; url?: string | undefined }): Promise<CoordinatorLab> {
  return await startLab({ data: place.data, database_url: place.url });
}

/** The same appliance, talking to another coordinator. */
function at(lab: Where, device: Device): Device {
  return Object.assign(new Device(lab), { key: device.key, sequence: device.sequence, id: device.id });
}

describe.each(BACKENDS)('on %s', (backend) => {
  test('an appliance enrols, reports, is ordered and answers, and all of it is there after a restart', async () => {
    const place = await backends.place(backend);
    const lab = await start(place);
    const admin = await lab.admin();
    await lab.call('PUT', '/api/v1/me/password', { password: 'a good long password' }, admin);
    const device = await approvedDevice(lab, { serial: 'S1' });
    const report = { reason: 'startup', observed_at_ms: 1, uptime_s: 1, fingerprint: exampleFingerprint() };
    expect((await device.send('/agent/state', report)).status).toBe(200);
    const { body } = await lab.call(
      'POST',
      '/api/v1/orders',
      { device_id: device.id, ...FORCE_CHECKIN },
      admin,
    );
    expect((await device.heartbeat()).body['orders']).toHaveLength(1);
    const result = { attempt: 1, state: 'succeeded', observed_at_ms: 1, facts: { seen: true } };
    expect((await device.send(`/agent/orders/${body['id']}/result`, result)).status).toBe(200);
    await lab.stop();

    const again = await start(place);
    expect(again.firstSignIn).toBeUndefined();
    const signedIn = await again.call('POST', '/api/v1/session', {
      name: 'admin',
      password: 'a good long password',
    });
    const token = String(signedIn.body['token']);
    const shown = await again.call('GET', `/api/v1/devices/${device.id}`, undefined, token);
    expect(shown.body).toMatchObject({
      state: 'approved',
      presence: 'online',
      fingerprint: { cpu_cores: 4 },
    });
    const order = await again.call('GET', `/api/v1/orders/${body['id']}`, undefined, token);
    expect(order.body).toMatchObject({ state: 'succeeded', result_facts: { seen: true } });
    expect((await again.call('GET', '/api/v1/audit/verify', undefined, token)).body).toMatchObject({
      intact: true,
      fault: null,
    });
    const there = at(again, device);
    expect((await there.heartbeat({}, { sequence: 1 })).status).toBe(409);
    expect((await there.heartbeat()).status).toBe(200);
  });

  test('a hundred heartbeats at once are all durable when they are answered', async () => {
    const lab = await start(await backends.place(backend));
    const devices = [];
    for (let count = 0; count < 20; count += 1) devices.push(await approvedDevice(lab));
    for (let round = 0; round < 5; round += 1) {
      const answers = await Promise.all(devices.map((device) => device.heartbeat()));
      expect(answers.map(({ status }) => status)).toEqual(devices.map(() => 200));
    }
    const listed = await lab.call('GET', '/api/v1/devices', undefined, await lab.admin());
    const presences = (listed.body['devices'] as { presence: string }[]).map(({ presence }) => presence);
    expect(presences).toEqual(devices.map(() => 'online'));
    const metrics = String((await lab.call('GET', '/metrics')).body['text']);
    expect(metrics).toContain('devices_present{presence="online"} 20');
  });
});

test('two coordinators on one PostgreSQL are one', async () => {
  const place = await backends.place('postgres');
  const [one, other] = await Promise.all([start(place), start(place)]);
  // Each has printed a sign-in, and both are good.
  expect(await one.admin()).not.toBe(await other.admin());
  const admin = await other.admin();
  const device = new Device(one);
  const enrolled = await device.enrol();
  expect((await at(other, device).enrol()).body['order_keys']).toEqual(enrolled.body['order_keys']);
  device.sequence += 1;
  expect((await other.call('POST', `/api/v1/devices/${device.id}/approve`, {}, admin)).status).toBe(200);
  const there = at(other, device);

  const sequence = device.sequence + 1;
  const both = await Promise.all([device.heartbeat({}, { sequence }), there.heartbeat({}, { sequence })]);
  expect(both.map(({ status }) => status).sort()).toEqual([200, 409]);

  for (let count = 0; count < 5; count += 1)
    await one.call('POST', '/api/v1/orders', { device_id: device.id, ...FORCE_CHECKIN }, admin);
  const fetched = await Promise.all([
    device.heartbeat({}, { sequence: sequence + 1 }),
    there.heartbeat({}, { sequence: sequence + 2 }),
  ]);
  const orders = fetched.flatMap(({ body }) => (body['orders'] as { payload: string }[] | undefined) ?? []);
  const ids = orders.map(({ payload }) => (JSON.parse(atob(payload)) as { id: string }).id);
  expect(ids).toHaveLength(new Set(ids).size);
  expect(ids).toHaveLength(5);

  await other.call('POST', `/api/v1/devices/${device.id}/end`, { reason: 'stolen' }, admin);
  expect((await device.heartbeat({}, { sequence: sequence + 3 })).body.error?.code).toBe('AGENT_KEY_REVOKED');
  expect((await one.call('GET', '/api/v1/audit/verify', undefined, admin)).body).toMatchObject({
    intact: true,
  });
});

/** The program as a process of its own; `kill` gives it no time for anything. */
async function startProcess({ data, url }: { data: string; url?: string | undefined }) {
  const main = join(import.meta.dirname, 'main.ts');
  const child = Bun.spawn([process.execPath, main, 'serve', '--data', data, '--port', '0', '--json'], {
    ...{ stdin: 'ignore', stdout: 'pipe', stderr: 'ignore' },
    env: { PATH: process.env['PATH'] ?? '', ...(url === undefined ? {} : { DATABASE_URL: url }) },
  });
  // Also when the test fails on the way.
  onTestFinished(() => child.kill('SIGKILL'));
  let said = '';
  for await (const chunk of child.stdout) {
    said += new TextDecoder().decode(chunk);
    if (said.endsWith('}\n')) break;
  }
  const where: Where = { url: (JSON.parse(said) as { url: string }).url, now_ms: Date.now };
  return {
    where,
    async kill() {
      child.kill('SIGKILL');
      await child.exited;
    },
  };
}

test.each(BACKENDS)(
  'what was answered is there after the process was killed in the middle of it, on %s',
  async (backend) => {
    const place = await backends.place(backend);
    const lab = await start(place);
    const enrolled: Device[] = [];
    for (let count = 0; count < 5; count += 1) enrolled.push(await approvedDevice(lab));
    await lab.stop();
    const first = await startProcess(place);
    const devices = enrolled.map((device) => at(first.where, device));
    // What each was last told that it is taken.
    const lasts = devices.map(() => 0);
    const sending = devices.map(async (device, index) => {
      for (;;) {
        const answer = await device.heartbeat().catch(() => undefined);
        if (answer?.status !== 200) return;
        lasts[index] = device.sequence;
      }
    });
    while (Math.min(...lasts) < 5) await Bun.sleep(5);
    await first.kill();
    await Promise.all(sending);
    const second = await startProcess(place);
    for (const [index, device] of devices.entries()) {
      const again = await at(second.where, device).heartbeat({}, { sequence: 1 });
      expect(again.status).toBe(409);
      expect(Number(again.body['last_sequence'])).toBeGreaterThanOrEqual(lasts[index] ?? 0);
    }
    await second.kill();
  },
  60_000,
);
