import { describe, expect, test } from 'vitest';
import { exampleFingerprint } from '../../../protocol/messages/example-fingerprint.ts';
import { BACKENDS, openBackends } from '../../../test/coordinator/backends.ts';
import { FLEET_VERSION, fillFleet } from '../../../test/coordinator/fill-fleet.ts';
import { addRollout, coordinatorOn } from '../../../test/coordinator/parts.ts';
import type { Coordinator } from '../../context.ts';
import type { Backend } from '../../database/migrations.ts';
import { endDevice } from '../../devices/operate.ts';
import { createOrder } from '../../orders/operate.ts';
import { takeResult } from '../../orders/results.ts';
import { createHeartbeatQueue } from '../../reports/heartbeats.ts';
import { takeState } from '../../reports/state.ts';
import { FLEET_SLICE, QUIET_MAX_MS } from './limits.ts';
import { createPlanner } from './loop.ts';
import { actOnRollout } from './operate.ts';

const backends = openBackends();

/** A planner beside a fleet, with a clock to move and a count of the times that the fleet was read. */
async function rehearse(backend: Backend, appliances: number) {
  const opened = await backends.open(backend);
  const read = { times: 0 };
  const snapshots = new Proxy(opened.snapshots, {
    get(target, name) {
      if (name === 'transaction') read.times += 1;
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  let ahead_ms = 0;
  const now_ms = () => Date.now() + ahead_ms;
  const coordinator: Coordinator = await coordinatorOn({ ...opened, snapshots }, { now_ms });
  await fillFleet(opened.database, { seed: 'loop', first: 0, count: appliances, now_ms: now_ms() });
  const id = await addRollout(coordinator, { stages: [{ percent: 100 }] });
  const planner = createPlanner(coordinator, 'this');
  const devices = await opened.database.selectFrom('device_keys').select(['device_id', 'key_id']).execute();
  return {
    ...{ coordinator, planner, rollout: id, devices, read },
    /** Looks until a look finds nothing new. */
    settle: async () => {
      await planner.look();
      await planner.look();
    },
    /** Whether one more look reads the fleet. */
    reads: async () => {
      const before = read.times;
      await planner.look();
      return read.times > before;
    },
    wait: (duration_ms: number) => {
      ahead_ms += duration_ms;
    },
  };
}

/** A request of a device, above all before. */
let sequence = 1000;
const claimOf = (device: { device_id: string; key_id: string }) => ({
  ...device,
  ...{ sequence: ++sequence, inSession: false },
});

describe.each(BACKENDS)('a rollout of which nothing is new, on %s', (backend) => {
  test('is not read again until its time has come', async () => {
    const { settle, reads, wait } = await rehearse(backend, 3);
    await settle();
    expect(await reads()).toBe(false);
    wait(QUIET_MAX_MS - 5_000);
    expect(await reads()).toBe(false);
    wait(5_000);
    expect(await reads()).toBe(true);
    expect(await reads()).toBe(false);
    wait(-QUIET_MAX_MS);
    expect(await reads()).toBe(true);
  });

  test('is read again for whatever is written that it depends on', async () => {
    const { coordinator, settle, reads, rollout, devices } = await rehearse(backend, 4);
    const [first, second] = devices;
    if (!first || !second) throw new Error('there are four');
    await settle();
    const order = await coordinator.database
      .selectFrom('orders')
      .select('id')
      .where('device_id', '=', first.device_id)
      .executeTakeFirstOrThrow();
    const written: Record<string, () => Promise<unknown>> = {
      'an order is fetched': () =>
        createHeartbeatQueue(coordinator).take(claimOf(first), {
          ...{ agent_version: FLEET_VERSION, uptime_s: 1, state_digest: null },
        }),
      'an order goes on': () =>
        takeResult(coordinator, claimOf(first), order.id, {
          attempt: 1,
          state: 'accepted',
          observed_at_ms: 1,
        }),
      'an appliance runs something else': () =>
        takeState(coordinator, claimOf(first), {
          ...{ reason: 'deployment', observed_at_ms: 1, uptime_s: 1 },
          fingerprint: exampleFingerprint({ image_version: '1.0.5' }),
        }),
      'an appliance is a step further in its update': () =>
        createHeartbeatQueue(coordinator).take(claimOf(first), {
          ...{ agent_version: FLEET_VERSION, uptime_s: 1, state_digest: null },
          update: { version: '1.1.0', state: 'verifying' },
        }),
      'an operator orders something': () =>
        coordinator.doWork((work) =>
          createOrder(coordinator, work, 'user:ada', {
            ...{
              device_id: second.device_id,
              type: 'reboot',
              parameters: { reason: 'x', reboot: 'at_once' },
            },
          }),
        ),
      'an appliance is revoked': () => endDevice(coordinator, 'user:ada', second.device_id, 'stolen'),
      'an operator pauses': () => actOnRollout(coordinator, 'user:ada', rollout, 'pause'),
      'an operator resumes': () => actOnRollout(coordinator, 'user:ada', rollout, 'resume'),
    };
    for (const [what, write] of Object.entries(written)) {
      expect(await reads(), `before ${what}`).toBe(false);
      await write();
      expect(await reads(), what).toBe(true);
      await settle();
    }
  });

  test('is read again for a transaction that was begun before and is committed late', async () => {
    const { coordinator, settle, reads, devices } = await rehearse(backend, 1);
    const id = Bun.randomUUIDv7('hex', Date.now() - 20_000);
    await settle();
    expect(await reads()).toBe(false);
    await coordinator.database
      .insertInto('order_events')
      .values({
        ...{ id, order_id: devices[0]?.device_id ?? '', at_ms: 1, state: 'accepted' },
        ...{ attempt: 1, code: null, message: null },
      })
      .execute();
    expect(await reads()).toBe(true);
  });

  test('is read by the one that takes the lease over', async () => {
    const { coordinator, planner, settle, reads, read } = await rehearse(backend, 1);
    await settle();
    expect(await reads()).toBe(false);
    await planner.stop();
    const before = read.times;
    await createPlanner(coordinator, 'that').look();
    expect(read.times).toBe(before + 1);
  });
});

test.each(BACKENDS)('heartbeats are taken while a large fleet is read and planned (%s)', async (backend) => {
  const { coordinator, planner, devices } = await rehearse(backend, 3 * FLEET_SLICE);
  const heartbeats = createHeartbeatQueue(coordinator);
  await planner.look();
  const done: string[] = [];
  const look = planner.look().then(() => done.push('look'));
  for (const device of devices.slice(0, 5)) {
    const heartbeat = { agent_version: FLEET_VERSION, uptime_s: 1, state_digest: null };
    await heartbeats.take(claimOf(device), heartbeat);
    done.push('heartbeat');
  }
  await look;
  // PostgreSQL lets everybody have their turn by itself; how many there are is its matter.
  expect(done.indexOf('look')).toBeGreaterThan(backend === 'sqlite' ? 1 : 0);
});
