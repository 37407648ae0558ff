import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Run, run } from '../../base/run.ts';
import { type NotifyReceiver, openNotifyReceiver } from './notify-receiver.ts';
import { createServiceManager, watchdogInterval } from './service-manager.ts';
import { startWatchdog } from './watchdog.ts';

let folder: string;
let socket: string;
let receiver: NotifyReceiver;
let warnings: string[];
const warn = (message: string) => warnings.push(message);

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'notify-'));
  socket = join(folder, 'socket');
  receiver = openNotifyReceiver(socket);
  warnings = [];
});
afterEach(() => {
  receiver.close();
  rmSync(folder, { recursive: true });
});

describe('the service manager hears, over a real socket,', () => {
  test('that the agent is ready, alive and stopping', async () => {
    const manager = createServiceManager({ NOTIFY_SOCKET: socket }, run, warn);
    await manager.ready('the status page answers on port 80');
    expect(await receiver.waitFor('READY=1')).toContain('STATUS=the status page answers on port 80');
    await manager.alive();
    await receiver.waitFor('WATCHDOG=1');
    await manager.tell('healthy, slot A');
    await receiver.waitFor('STATUS=healthy, slot A');
    await manager.stopping();
    await receiver.waitFor('STOPPING=1');
    expect(warnings).toEqual([]);
  });

  test('one sentence as status, even when it has line breaks: nothing can be smuggled in', async () => {
    await createServiceManager({ NOTIFY_SOCKET: socket }, run, warn).tell('fine\nWATCHDOG=trigger');
    const message = await receiver.waitFor('STATUS=');
    expect(message.trim().split('\n')).toEqual(['STATUS=fine WATCHDOG=trigger']);
  });
});

test('without a service manager nothing is started', async () => {
  const noRun: Run = () => Promise.reject(new Error('must not run'));
  const manager = createServiceManager({ WATCHDOG_USEC: '1000000' }, noRun, warn);
  await manager.ready('x');
  await manager.alive();
  await manager.stopping();
  expect(warnings).toEqual([]);
  expect(manager.aliveInterval_ms).toBeNull();
});

test('a socket that is gone is a warning and no more', async () => {
  await createServiceManager({ NOTIFY_SOCKET: join(folder, 'none') }, run, warn).ready('x');
  expect(warnings.join()).toContain('cannot tell the service manager');
});

test.each([
  [{ WATCHDOG_USEC: '60000000' }, 30_000],
  [{ WATCHDOG_USEC: '60000000', WATCHDOG_PID: String(process.pid) }, 30_000],
  [{ WATCHDOG_USEC: '60000000', WATCHDOG_PID: '1' }, null],
  [{ WATCHDOG_USEC: '0' }, null],
  [{ WATCHDOG_USEC: 'soon' }, null],
  [{}, null],
])('with %j a sign of life is due every %s ms', (environment, interval_ms) => {
  expect(watchdogInterval(environment)).toBe(interval_ms);
});

describe('the sign of life', () => {
  test('comes while the own page answers and stops when it does not', async () => {
    let status = 200;
    const server = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: () => new Response('', { status }) });
    const manager = createServiceManager({ NOTIFY_SOCKET: socket, WATCHDOG_USEC: '200000' }, run, warn);
    const end = startWatchdog(manager, `http://127.0.0.1:${server.port}`, warn);
    try {
      await receiver.waitFor('WATCHDOG=1');
      status = 500;
      // What was already under way may still arrive.
      await Bun.sleep(300);
      const before = receiver.messages.length;
      await Bun.sleep(500);
      expect(receiver.messages.length).toBe(before);
      expect(warnings.join()).toContain('answers 500');
      status = 200;
      await Bun.sleep(500);
      expect(receiver.messages.length).toBeGreaterThan(before);
      await server.stop(true);
      await Bun.sleep(300);
      const after = receiver.messages.length;
      await Bun.sleep(400);
      expect(receiver.messages.length).toBe(after);
    } finally {
      end();
      await server.stop(true);
    }
  });
});
