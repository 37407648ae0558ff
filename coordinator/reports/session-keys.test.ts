import { expect, test } from 'vitest';
import { SIGNATURE_WINDOW_S } from '../../protocol/limits.ts';
import type { SessionKeyGrant } from '../../protocol/messages/answers.ts';
import { exampleFingerprint } from '../../protocol/messages/example-fingerprint.ts';
import { sessionKeyName } from '../../protocol/session-key/name.ts';
import { type SessionKey, wishForSessionKey } from '../../protocol/session-key/session-key.ts';
import { BACKENDS, openBackends } from '../../test/coordinator/backends.ts';
import { type CoordinatorLab, startLab } from '../../test/coordinator/coordinator-lab.ts';
import { approvedDevice, Device } from '../../test/coordinator/device.ts';
import { SESSION_KEY_LIFE_S } from '../limits.ts';

const backends = openBackends();
const lab = startLab();

async function sessionOf(device: Device): Promise<SessionKey> {
  const wish = wishForSessionKey();
  const { body } = await device.heartbeat({ session_key_for: wish.public_key });
  const session = wish.take(body['session_key'] as SessionKeyGrant, device.key_id);
  if (!session) throw new Error(`no session key: ${JSON.stringify(body)}`);
  return session;
}

test('who asks is given a key, and its heartbeats are taken like any other', async () => {
  const device = await approvedDevice(await lab);
  expect((await device.heartbeat()).body).not.toHaveProperty('session_key');
  const session = await sessionOf(device);
  expect(session.expires_s - (await lab).now_ms() / 1000).toBeCloseTo(SESSION_KEY_LIFE_S, -1);
  const { status, body } = await device.heartbeat({ uptime_s: 4711 }, { session });
  expect(status).toBe(200);
  expect(body).toMatchObject({ send_state: true, agent: 'current', orders: [] });
  const shown = await (await lab).call(
    'GET',
    `/api/v1/devices/${device.id}`,
    undefined,
    await (await lab).admin(),
  );
  expect(shown.body).toMatchObject({ uptime_s: 4711, presence: 'online' });
});

test('a sequence counts once, whichever key signs', async () => {
  const device = await approvedDevice(await lab);
  const session = await sessionOf(device);
  expect((await device.heartbeat({}, { session, sequence: 50 })).status).toBe(200);
  for (const how of [{ session }, {}])
    expect(await device.heartbeat({}, { ...how, sequence: 50 })).toMatchObject({
      status: 409,
      body: { error: { code: 'AGENT_REPLAY' }, last_sequence: 50 },
    });
});

test('nothing but heartbeats is taken from a session key', async () => {
  const device = await approvedDevice(await lab);
  const session = await sessionOf(device);
  const state = { reason: 'startup', observed_at_ms: 1, uptime_s: 1, fingerprint: exampleFingerprint() };
  const id = crypto.randomUUID();
  const facts = { hostname: 'x', serial: null, product_uuid: null, mac: null, hardware: null };
  const requests = {
    '/agent/state': state,
    [`/agent/orders/${id}/result`]: { attempt: 1, state: 'succeeded', observed_at_ms: 1 },
    [`/agent/orders/${id}/log`]: { attempt: 1, offset: 0, text: 'x' },
    '/agent/rotate-key': { public_key: new Device(await lab).public_key, proof: `${'A'.repeat(86)}==` },
    '/agent/enrol': {
      public_key: device.public_key,
      facts: { ...facts, agent_version: '1.0.0', image_version: null },
    },
  };
  for (const [path, body] of Object.entries(requests))
    expect((await device.send(path, body, { session })).body.error?.code, path).toBe('SESSION_KEY_REFUSED');
});

test('a session key does not prolong itself', async () => {
  const device = await approvedDevice(await lab);
  const session = await sessionOf(device);
  const wish = wishForSessionKey();
  const { status, body } = await device.heartbeat({ session_key_for: wish.public_key }, { session });
  expect(status).toBe(200);
  expect(body).not.toHaveProperty('session_key');
});

test('a wish that nobody could keep secret is passed over', async () => {
  const device = await approvedDevice(await lab);
  const { status, body } = await device.heartbeat({ session_key_for: Buffer.alloc(32).toString('base64') });
  expect(status).toBe(200);
  expect(body).not.toHaveProperty('session_key');
  expect((await device.heartbeat({ session_key_for: 'no key' })).body.error?.code).toBe('REQUEST_INVALID');
});

test.each<[string, (session: SessionKey, device: Device) => SessionKey, string]>([
  ['another secret', (session) => ({ ...session, secret: new Uint8Array(32) }), 'SIGNATURE_WRONG'],
  [
    'a later end than it was given',
    (session, { key_id }) => ({ ...session, name: sessionKeyName(key_id, session.expires_s + 1) }),
    'SIGNATURE_WRONG',
  ],
  [
    'the name of a device that is not known',
    (session) => ({ ...session, name: sessionKeyName('f'.repeat(64), session.expires_s) }),
    'AGENT_KEY_UNKNOWN',
  ],
  ['no name of a session', (session, { key_id }) => ({ ...session, name: key_id }), 'SIGNATURE_MALFORMED'],
])('a heartbeat with %s is refused', async (_, change, code) => {
  const device = await approvedDevice(await lab);
  const session = change(await sessionOf(device), device);
  expect(await device.heartbeat({}, { session })).toMatchObject({ body: { error: { code } } });
});

test('the key of one device is none of another', async () => {
  const [device, other] = [await approvedDevice(await lab), await approvedDevice(await lab)];
  const session = await sessionOf(device);
  const stolen = { ...session, name: sessionKeyName(other.key_id, session.expires_s) };
  expect((await other.heartbeat({}, { session: stolen })).body.error?.code).toBe('SIGNATURE_WRONG');
});

test('a changed body, another host and an old time are seen as with the key of the device', async () => {
  const device = await approvedDevice(await lab);
  const session = await sessionOf(device);
  const created_s = Math.floor((await lab).now_ms() / 1000) - SIGNATURE_WINDOW_S - 10;
  for (const [options, code] of [
    [{ otherBody: '{}' }, 'SIGNATURE_BODY'],
    [{ signedFor: 'http://other.example' }, 'SIGNATURE_WRONG'],
    [{ created_s }, 'SIGNATURE_TIME'],
  ] as const)
    expect((await device.heartbeat({}, { session, ...options })).body.error?.code).toBe(code);
});

test('a revoked device has no session any more, from that moment on', async () => {
  const device = await approvedDevice(await lab);
  const session = await sessionOf(device);
  expect((await device.heartbeat({}, { session })).status).toBe(200);
  const admin = await (await lab).admin();
  await (await lab).call('POST', `/api/v1/devices/${device.id}/end`, { reason: 'stolen' }, admin);
  expect((await device.heartbeat({}, { session })).body.error?.code).toBe('AGENT_KEY_REVOKED');
});

test('it ends by itself, and the key of the device goes on', async () => {
  const later = await startLab();
  const device = await approvedDevice(later);
  const session = await sessionOf(device);
  later.wait((SESSION_KEY_LIFE_S - 5) * 1000);
  expect((await device.heartbeat({}, { session })).status).toBe(200);
  later.wait(5_000);
  expect((await device.heartbeat({}, { session })).body.error?.code).toBe('SESSION_KEY_EXPIRED');
  expect((await device.heartbeat()).status).toBe(200);
});

test.each(BACKENDS)(
  'every coordinator on one database knows it, after a restart, too (%s)',
  async (backend) => {
    const { data, url } = await backends.place(backend);
    const start = () => startLab({ data, database_url: url });
    const first = await start();
    const device = await approvedDevice(first);
    const session = await sessionOf(device);
    await first.stop();
    const second: CoordinatorLab = await start();
    Object.assign(device, { lab: second });
    expect((await device.heartbeat({}, { session })).status).toBe(200);
  },
);
