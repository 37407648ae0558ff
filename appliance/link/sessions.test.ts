import { expect, test } from 'vitest';
import { type LabLink, type LinkLab, startLinkLab, until } from '../../test/coordinator/link-lab.ts';

const heartbeats = (lab: LinkLab) => lab.line.requests.filter(({ path }) => path === '/agent/heartbeat');
const asks = ({ body }: { body: string }) => body.includes('session_key_for');

/** Lets one more heartbeat go out, and says how it was signed, and how what came of it. @param count heartbeats that are waited for */
async function beat(lab: LinkLab, link: LabLink, count = 1): Promise<string[]> {
  const before = heartbeats(lab).length;
  const since = () => heartbeats(lab).slice(before);
  await until(() => {
    // One that comes into the answer of the heartbeat before is forgotten with it.
    if (since().length === 0) link.kick();
    return since().length >= count;
  });
  return since().map((one) => `${one.inSession ? 'session' : 'device'}${asks(one) ? ', asks' : ''}`);
}

/** A link whose next heartbeat is signed with a session key. */
async function inSession(): Promise<{ lab: LinkLab; link: LabLink & { id: string } }> {
  const lab = await startLinkLab();
  const link = await lab.connected();
  await until(() => heartbeats(lab).length > 0);
  return { lab, link };
}

test('the first heartbeat asks for a session key, the next ones are signed with it, and everything else with that of the device', async () => {
  const { lab, link } = await inSession();
  expect(heartbeats(lab)[0]).toMatchObject({
    inSession: false,
    body: expect.stringContaining('session_key_for'),
  });
  expect(await beat(lab, link)).toEqual(['session']);
  link.machine.change({ hostname: 'box-1' });
  await until(() => link.status().waiting.records === 0);
  expect(await beat(lab, link)).toEqual(['session']);
  const others = lab.line.requests.filter(({ path }) => path !== '/agent/heartbeat');
  expect(others.filter((one) => one.inSession)).toEqual([]);
});

test('a session that is over is replaced by the next one at once, and nothing of it is seen', async () => {
  const { lab, link } = await inSession();
  lab.coordinator.wait(2 * 60 * 60_000);
  expect(await beat(lab, link, 2)).toEqual(['session', 'device, asks']);
  expect(await beat(lab, link)).toEqual(['session']);
  expect(link.problem()).toBeNull();
});

test('a session that ends soon is not used any more', async () => {
  const { lab, link } = await inSession();
  lab.coordinator.wait(57 * 60_000);
  // What it says of itself brings the coordinator's time.
  link.machine.change({ hostname: 'box-1' });
  await until(() => link.status().waiting.records === 0);
  expect(await beat(lab, link)).toEqual(['device, asks']);
  expect(await beat(lab, link)).toEqual(['session']);
});

test('a coordinator that refuses what it has given hears the key of the device, orders arrive, and no session is asked for', async () => {
  const { lab, link } = await inSession();
  const error = { code: 'SIGNATURE_WRONG', message: 'x', hint: null };
  const body = JSON.stringify({ error, server_time_ms: lab.coordinator.now_ms() });
  lab.line.fate = (request) => (request.inSession ? { status: 401, body } : 'pass');
  await lab.ask('POST', '/api/v1/orders', { device_id: link.id, type: 'force_checkin', parameters: {} });
  link.machine.change({ hostname: 'box-1' });
  expect(await beat(lab, link, 2)).toEqual(['session', 'device']);
  expect(await beat(lab, link)).toEqual(['device']);
  await until(() => link.status().waiting.records === 0);
  expect(link.orders.taken).toHaveLength(1);
  expect(link.problem()).toBeNull();
  expect(link.status().waiting.dropped).toEqual({ log: 0, state: 0, refused: 0 });
});

test('an appliance that was revoked hears so from its own key, and asks to be let in', async () => {
  const { lab, link } = await inSession();
  expect(await beat(lab, link)).toEqual(['session']);
  await lab.ask('POST', `/api/v1/devices/${link.id}/end`, { reason: 'stolen' });
  await beat(lab, link, 2);
  await until(() => link.status().state !== 'connected');
  expect(link.problem()).toMatch(/^AGENT_KEY_REVOKED: /);
  expect(
    heartbeats(lab)
      .slice(-2)
      .map((one) => one.inSession),
  ).toEqual([true, false]);
});
