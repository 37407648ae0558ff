import { describe, expect, test } from 'vitest';
import { openOrder } from '../../protocol/orders/order.ts';
import { type CoordinatorLab, startLab } from '../../test/coordinator/coordinator-lab.ts';
import { approvedDevice, type Device } from '../../test/coordinator/device.ts';
import { ORDER_ACCEPT_MS, ORDER_BACKOFF_MS, ORDERS_OPEN_MAX, ORDERS_PER_ANSWER_MAX } from '../limits.ts';

const lab = startLab();
const REBOOT = { type: 'reboot', parameters: { reason: 'a test', reboot: 'at_once' } };

async function order(at: CoordinatorLab, device: Device, wanted: Record<string, unknown> = REBOOT) {
  return await at.call('POST', '/api/v1/orders', { device_id: device.id, ...wanted }, await at.admin());
}

/** Orders that a heartbeat brings, opened as an appliance opens them. */
async function fetchOrders(device: Device) {
  const keys = (await device.enrol()).body['order_keys'] as { key_id: string; public_key: string }[];
  const trusted = new Map(
    keys.map(({ key_id, public_key }) => [key_id, Uint8Array.from(Buffer.from(public_key, 'base64'))]),
  );
  const { body } = await device.heartbeat();
  const reader = { key_id: device.key_id, now_ms: device.lab.now_ms() };
  return (body['orders'] as unknown[]).map((envelope) => openOrder(envelope, trusted, reader));
}

const tell = (device: Device, id: unknown, state: string, more: Record<string, unknown> = {}) =>
  device.send(`/agent/orders/${id}/result`, { attempt: 1, state, observed_at_ms: 1, ...more });

const stateOf = async (at: CoordinatorLab, id: unknown) =>
  (await at.call('GET', `/api/v1/orders/${id}`, undefined, await at.admin())).body;

describe('an order', () => {
  test('is signed, fetched with a heartbeat once, accepted, done, and told with its log', async () => {
    const device = await approvedDevice(await lab);
    const { status, body } = await order(await lab, device);
    expect(status).toBe(200);
    const [fetched] = await fetchOrders(device);
    expect(fetched).toMatchObject({ id: body['id'], ...REBOOT, attempt: 1, target: device.key_id });
    expect(await fetchOrders(device)).toEqual([]);
    expect((await tell(device, body['id'], 'accepted')).status).toBe(200);
    await device.send(`/agent/orders/${body['id']}/log`, { attempt: 1, offset: 6, text: 'world' });
    await device.send(`/agent/orders/${body['id']}/log`, { attempt: 1, offset: 0, text: 'hello ' });
    await device.send(`/agent/orders/${body['id']}/log`, { attempt: 1, offset: 0, text: 'again ' });
    await tell(device, body['id'], 'succeeded', { facts: { boot_id: 'x' } });
    expect((await tell(device, body['id'], 'succeeded')).status).toBe(200);
    const shown = await stateOf(await lab, body['id']);
    expect(shown).toMatchObject({
      state: 'succeeded',
      result_facts: { boot_id: 'x' },
      log: [{ attempt: 1, text: 'hello world' }],
    });
    const events = (shown['events'] as { state: string }[]).map(({ state }) => state);
    expect(events).toEqual(['handed_out', 'accepted', 'succeeded']);
  });

  test('that the appliance does not do is refused, and is a dead letter', async () => {
    const device = await approvedDevice(await lab);
    const { body } = await order(await lab, device);
    await fetchOrders(device);
    await tell(device, body['id'], 'refused', { code: 'ORDER_TYPE_UNKNOWN', message: 'not in this version' });
    const { call, admin } = await lab;
    const dead = await call(
      'GET',
      `/api/v1/orders?dead=true&device_id=${device.id}`,
      undefined,
      await admin(),
    );
    expect(dead.body['orders']).toMatchObject([
      { id: body['id'], state: 'refused', result_code: 'ORDER_TYPE_UNKNOWN' },
    ]);
  });

  test('of another appliance says no more than that it is not there', async () => {
    const device = await approvedDevice(await lab);
    const other = await approvedDevice(await lab);
    const { body } = await order(await lab, device);
    expect(await tell(other, body['id'], 'succeeded')).toMatchObject({
      status: 404,
      body: { error: { code: 'ORDER_UNKNOWN' } },
    });
    expect((await stateOf(await lab, body['id']))['state']).toBe('queued');
  });

  test('is taken back before it was accepted, and not after', async () => {
    const { call, admin } = await lab;
    const device = await approvedDevice(await lab);
    const first = await order(await lab, device);
    expect(
      (await call('POST', `/api/v1/orders/${first.body['id']}/cancel`, undefined, await admin())).status,
    ).toBe(204);
    expect(await fetchOrders(device)).toEqual([]);
    const second = await order(await lab, device);
    await fetchOrders(device);
    await tell(device, second.body['id'], 'accepted');
    const late = await call('POST', `/api/v1/orders/${second.body['id']}/cancel`, undefined, await admin());
    expect(late).toMatchObject({ status: 409, body: { error: { code: 'ORDER_NOT_CANCELLABLE' } } });
  });

  test.each([
    [
      'parameters that do not fit',
      { type: 'reboot', parameters: { reboot: 'now' } },
      400,
      'ORDER_PARAMETERS',
    ],
    ['a type that does not exist', { type: 'make_coffee', parameters: {} }, 400, 'REQUEST_INVALID'],
    ['an end before its beginning', { ...REBOOT, expires_ms: 1 }, 400, 'ORDER_TIMES'],
    ['no device', { ...REBOOT, device_id: '00000000-0000-7000-8000-000000000000' }, 404, 'DEVICE_UNKNOWN'],
  ])('with %s is refused', async (_, wanted, status, code) => {
    const device = await approvedDevice(await lab);
    expect(await order(await lab, device, wanted)).toMatchObject({ status, body: { error: { code } } });
  });

  test('that gives somebody the machine is an administrator’s', async () => {
    const { call, admin } = await lab;
    const device = await approvedDevice(await lab);
    const made = await call(
      'POST',
      '/api/v1/tokens',
      { name: 'ops', scopes: ['read', 'order'] },
      await admin(),
    );
    const token = String(made.body['token']);
    const erase = {
      device_id: device.id,
      type: 'reprovision',
      parameters: { confirm: 'erase this appliance', reason: 'sold' },
    };
    expect((await call('POST', '/api/v1/orders', erase, token)).status).toBe(403);
    expect((await call('POST', '/api/v1/orders', { device_id: device.id, ...REBOOT }, token)).status).toBe(
      200,
    );
  });

  test('comes with others as far as one answer goes, the rest with the next', async () => {
    const device = await approvedDevice(await lab);
    for (let count = 0; count < ORDERS_PER_ANSWER_MAX + 2; count += 1)
      await order(await lab, device, { type: 'force_checkin', parameters: {} });
    expect(await fetchOrders(device)).toHaveLength(ORDERS_PER_ANSWER_MAX);
    expect(await fetchOrders(device)).toHaveLength(2);
  });

  test('is not one of endlessly many', async () => {
    const device = await approvedDevice(await lab);
    for (let count = 0; count < ORDERS_OPEN_MAX; count += 1) await order(await lab, device);
    expect(await order(await lab, device)).toMatchObject({
      status: 409,
      body: { error: { code: 'ORDERS_TOO_MANY' } },
    });
  });
});

test('an answer that was lost is repeated with the same attempt, a failure is tried again later, both under new nonces', async () => {
  const own = await startLab({ sweep_interval_ms: 20 });
  const device = await approvedDevice(own);
  const { body } = await order(own, device, { type: 'diagnostic', parameters: { command: 'time' } });
  const [lost] = await fetchOrders(device);
  own.wait(ORDER_ACCEPT_MS + 1);
  await Bun.sleep(100);
  const [repeated] = await fetchOrders(device);
  expect(repeated).toMatchObject({ id: lost?.id, attempt: 1 });
  expect(repeated?.nonce).not.toBe(lost?.nonce);
  await tell(device, body['id'], 'accepted');
  await tell(device, body['id'], 'failed', { code: 'TIME_OUT' });
  expect(await fetchOrders(device)).toEqual([]);
  own.wait(ORDER_BACKOFF_MS);
  expect(await fetchOrders(device)).toMatchObject([{ id: lost?.id, attempt: 2 }]);
});
