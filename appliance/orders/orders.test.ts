import { existsSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Order } from '../../protocol/orders/order.ts';
import { type ReleaseServer, serveReleases } from '../../test/qemu/harness/release-server.ts';
import { makeFolder } from '../../test/unit/make-folder.ts';
import { type BootLog, bootLogFileName, renderBootLog } from '../boot-log/boot-log.ts';
import { concludePending } from '../update/conclude.ts';
import { envelope, OpenOutbox, orderId, PARAMETERS, trust } from './lab/order-lab.ts';
import { OrderedAppliance } from './lab/ordered-appliance.ts';
import { LOST_AFTER_MS } from './limits.ts';

/** Orders to their end over the boots between, with the real updater and the real boot state; the slots are files. */

let box: OrderedAppliance;
let server: ReleaseServer;
let outbox: OpenOutbox;
beforeEach(async () => {
  box = new OrderedAppliance(makeFolder('agent'));
  outbox = new OpenOutbox();
  await box.lab.install();
  await box.lab.release('1.1.0');
  await box.publish();
  server = await serveReleases(box.lab.machine.folder, 0);
  box.coordinatorUrl = new URL(`http://127.0.0.1:${server.port}`);
  box.start(outbox);
});
afterEach(async () => {
  await box.stop();
  await server.close();
  box.lab.remove();
});

const take = (type: string, parameters: Record<string, unknown> = {}, changed: Partial<Order> = {}) =>
  box.orders.take(
    [envelope(type, { parameters: { ...PARAMETERS[type as 'update'], ...parameters }, ...changed })],
    trust(),
  );
const update = (more: Record<string, unknown> = {}, changed: Partial<Order> = {}) =>
  take(
    'update',
    {
      bundle: { sha256: 'a'.repeat(64), size_bytes: box.sizeOf('1.1.0.bundle'), urls: ['/1.1.0.bundle'] },
      ...more,
    },
    changed,
  );
const restart = () => {
  box.start(outbox);
  return Bun.sleep(1);
};
const last = (id = orderId()) => outbox.results(id).at(-1);

describe('an update', () => {
  test('has succeeded when the appliance runs it for good; the heartbeat says how far it is', async () => {
    expect(box.orders.update()).toEqual({ version: '1.0.0', state: 'succeeded' });
    update();
    expect(box.orders.update()).toEqual({ version: '1.1.0', state: 'notified' });
    expect(await box.serve()).toBeNull();
    expect(box.orders.update()).toEqual({ version: '1.1.0', state: 'rebooting' });
    box.orders.poke();
    expect(outbox.states()).toEqual(['accepted']);

    await box.stop();
    await box.lab.boot();
    await box.publish();
    await restart();
    expect(box.orders.update()).toEqual({ version: '1.1.0', state: 'verifying' });
    expect(outbox.states()).toEqual(['accepted']);
    await box.stop();
    await box.lab.judge('healthy');
    await concludePending(box.lab.tools);
    await box.publish();
    await restart();
    expect(last()).toMatchObject({
      state: 'succeeded',
      facts: { slot: 'B', version: '1.1.0', from_version: '1.0.0', method: 'full' },
    });
    expect(box.orders.update()).toEqual({ version: '1.1.0', state: 'succeeded' });
    expect(box.warnings).toEqual([]);
  });

  test('whose boots fail comes back, and says why and what its console showed', async () => {
    update();
    await box.serve();
    for (let attempt = 1; attempt <= 3; attempt += 1) {
      await box.boot('unhealthy');
      const log: BootLog = {
        ...{ number: attempt, at: null, attempt, version: '1.1.0', bootId: box.lab.bootId },
        ...{ slot: 'B', mode: 'trial', ending: 'panic', cut: false, damaged: false },
        lines: [`attempt ${attempt}`, 'Kernel panic - not syncing'],
      };
      box.lab.machine.write(`data/boot-log/${bootLogFileName(log)}`, renderBootLog(log));
    }
    await box.boot();
    await restart();
    expect(last()).toMatchObject({
      ...{ state: 'failed', code: 'UPDATE_ROLLED_BACK' },
      message: 'the health gate refused it: agent: does not answer',
    });
    expect(outbox.log()).toBe('attempt 3\nKernel panic - not syncing');
    expect(box.orders.update()).toEqual({ version: '1.1.0', state: 'rolled_back' });

    update({}, { attempt: 2 });
    await box.serve();
    box.orders.poke();
    expect(last()).toMatchObject({ attempt: 2, state: 'failed', code: 'UPDATE_REJECTED_BEFORE' });
    update({ retry: true }, { attempt: 3 });
    expect(await box.serve()).toBeNull();
    expect(box.lab.state.trial).toBe('B');
  });

  test('from a mirror that has it, after a coordinator that has not', async () => {
    const size_bytes = box.sizeOf('1.1.0.bundle');
    const urls = ['/gone.bundle', `http://127.0.0.1:${server.port}/1.1.0.bundle`];
    update({ bundle: { sha256: 'a'.repeat(64), size_bytes, urls } });
    expect(await box.serve()).toBeNull();
    expect(server.requests.some(({ path, status }) => path === 'gone.bundle' && status === 404)).toBe(true);
  });

  test.each([
    [
      'is nowhere',
      { bundle: { sha256: 'a'.repeat(64), size_bytes: 9, urls: ['/gone.bundle'] } },
      'FETCH_NOT_FOUND',
    ],
    ['is another one', { version: '1.1.1' }, 'UPDATE_NOT_AS_ORDERED'],
  ])('to a release that %s has failed with the reason', async (_, more, code) => {
    update(more);
    expect(await box.serve()).toContain(code);
    box.orders.poke();
    expect(last()).toMatchObject({ state: 'failed', code });
    expect(box.lab.state.trial).toBeNull();
  });

  test('that nobody has taken in its time is taken back', async () => {
    update({}, { timeout_s: 60 });
    expect(existsSync(box.paths.updateRequest)).toBe(true);
    box.lab.now = new Date(box.lab.now.getTime() + LOST_AFTER_MS);
    box.orders.poke();
    expect(last()).toMatchObject({ state: 'failed', code: 'ORDER_DEADLINE' });
    expect(existsSync(box.paths.updateRequest)).toBe(false);
  });

  test('to what runs already has succeeded, and nothing was asked for', () => {
    update({ version: '1.0.0' });
    expect(last()).toMatchObject({ state: 'succeeded', facts: { already: true } });
    expect(existsSync(box.paths.updateRequest)).toBe(false);
  });

  test('waits for the window of the appliance where the order does', async () => {
    box.lab.configure("update:\n  window: { start: '02:00', end: '04:00', days: [sun] }\n");
    box.lab.clockSynchronised();
    update({ reboot: 'in_window' });
    await box.serve();
    expect([box.lab.rebooted, box.orders.update()?.state]).toEqual([false, 'ready']);
  });
});

describe('a return', () => {
  const updated = async () => {
    update();
    await box.serve();
    await box.boot();
    await restart();
    expect(last()?.state).toBe('succeeded');
  };
  const back = (more: Record<string, unknown> = {}) => take('rollback', more, { id: orderId(2) });

  test('has succeeded when the release before runs for good', async () => {
    await updated();
    back({ to_version: '1.0.0' });
    expect(await box.serve()).toBeNull();
    expect(box.orders.update()).toMatchObject({ version: '1.0.0' });
    await box.boot();
    await restart();
    expect(last(orderId(2))).toMatchObject({ state: 'succeeded', facts: { version: '1.0.0', slot: 'A' } });
  });

  test('to where nothing is, or something else, fails at once', async () => {
    back();
    await box.serve();
    box.orders.poke();
    expect(last(orderId(2))).toMatchObject({ state: 'failed', code: 'BOOT_NO_SLOT_TO_ROLL_BACK_TO' });
  });
});

describe('a reboot', () => {
  test('has succeeded when the kernel is another one, and is asked for once', async () => {
    take('reboot');
    expect(await box.serve()).toBeNull();
    expect(box.lab.rebooted).toBe(true);
    box.orders.poke();
    expect(outbox.states()).toEqual(['accepted']);
    await box.boot();
    await restart();
    expect(last()).toMatchObject({ state: 'succeeded', facts: { boot_id: box.lab.bootId } });
    expect(existsSync(box.paths.powerRequest)).toBe(false);
  });

  test('waits until the window opens', () => {
    box.lab.configure("update:\n  window: { start: '02:00', end: '04:00', days: [sun] }\n");
    box.lab.clockSynchronised();
    take('reboot', { reboot: 'in_window' });
    expect(existsSync(box.paths.powerRequest)).toBe(false);
    box.lab.now = new Date('2026-11-22T03:00:00Z');
    box.orders.poke();
    expect(existsSync(box.paths.powerRequest)).toBe(true);
  });

  test('is not asked for before the gate has spoken', async () => {
    await box.stop();
    await box.lab.boot();
    await box.publish();
    await restart();
    take('reboot');
    expect([outbox.states(), existsSync(box.paths.powerRequest)]).toEqual([['accepted'], false]);
    await box.lab.judge('healthy');
    await box.publish();
    box.orders.poke();
    expect(existsSync(box.paths.powerRequest)).toBe(true);
  });
});

test('the agent is restarted, and the next one says so', async () => {
  take('restart_agent');
  expect([box.restarts, outbox.states()]).toEqual([1, ['accepted']]);
  await box.stop();
  await restart();
  expect([box.restarts, last()?.state]).toEqual([1, 'succeeded']);
});

test('who is to check in has said how it is before it says that it has', async () => {
  take('force_checkin');
  for (let turn = 0; turn < 100 && outbox.states().length < 2; turn += 1) await Bun.sleep(5);
  expect(
    outbox.messages.map((message) => (message.kind === 'result' ? message.result.state : message.kind)),
  ).toEqual([...['accepted', 'state', 'succeeded']]);
});
