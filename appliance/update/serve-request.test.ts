import { existsSync, statSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type ReleaseServer, serveReleases } from '../../test/qemu/harness/release-server.ts';
import { concludePending } from './conclude.ts';
import { ApplianceLab } from './lab/appliance-lab.ts';
import { REQUEST_STARTS_MAX } from './limits.ts';
import { type OrderedUpdate, type UpdateRequestFile, writeRequest } from './request-file.ts';
import { serveRequest } from './serve-request.ts';

/** The updater service on requests of the agent and of an operator, with a real HTTP server. */

let lab: ApplianceLab;
let server: ReleaseServer;
beforeEach(async () => {
  lab = new ApplianceLab();
  await lab.install();
  await lab.release('1.1.0');
  server = await serveReleases(lab.machine.folder, 0);
});
afterEach(async () => {
  await server.close();
  lab.remove();
});

const request = (name = '1.1.0.bundle', more: Partial<UpdateRequestFile> = {}): UpdateRequestFile => ({
  ...{ format: 1, urls: [`http://127.0.0.1:${server.port}/${name}`], delta_only: false, reboot: false },
  ...more,
});
const ask = (asked: UpdateRequestFile, path = lab.tools.paths.agentRequest) => writeRequest(path, asked);
const serve = () => serveRequest(lab.tools, lab.io);
const kept = () => lab.tools.request.read().condition;
const refused = (code: string) => expect.objectContaining({ code });

test('what the agent asked for is installed, and nothing of the request is left', async () => {
  ask(request());
  expect(await serve()).toEqual({ message: '1.1.0 is in slot B; it is tried on the next boot' });
  expect(lab.state.trial).toBe('B');
  expect(kept()).toBe('missing');
  expect(existsSync(lab.tools.paths.agentRequest)).toBe(false);
  expect(await serve()).toEqual({ message: 'nothing was asked for' });
});

test("an operator's request comes before the agent's", async () => {
  ask(request('gone.bundle'));
  ask(request(), lab.tools.paths.operatorRequest);
  await serve();
  expect(lab.versionOf('B')).toBe('1.1.0');
  expect(existsSync(lab.tools.paths.agentRequest)).toBe(true);
});

test('what a power cut broke off goes on at the next start', async () => {
  // Taken, and nothing more of that process was heard.
  lab.tools.request.write({ ...request(), starts: 1 });
  await serve();
  expect(lab.state.trial).toBe('B');
  expect(kept()).toBe('missing');
});

test('a request that fails is not asked again, and the history has it', async () => {
  ask(request('missing.bundle'));
  await expect(serve()).rejects.toEqual(refused('FETCH_NOT_FOUND'));
  expect(kept()).toBe('missing');
  expect(lab.history).toMatchObject([{ outcome: 'failed', from_version: '1.0.0' }]);
});

test('a request for what runs already has not failed', async () => {
  await lab.release('1.0.0');
  ask(request('1.0.0.bundle'));
  expect((await serve()).message).toContain('UPDATE_ALREADY_RUNNING');
  expect(lab.history).toEqual([]);
});

test.each([
  ['goes on after a reboot', 'stopping', 'ok'],
  ['has ended when an operator stopped the service', 'running', 'missing'],
])('a request whose process is told to stop %s', async (_, systemState, condition) => {
  lab.systemState = systemState;
  ask(request());
  const running = serve();
  const stopping = setInterval(() => process.emit('SIGTERM'), 1);
  await expect(running)
    .rejects.toEqual(refused('UPDATE_STOPPED'))
    .finally(() => clearInterval(stopping));
  expect(kept()).toBe(condition);
  expect(lab.history).toEqual([]);
});

test('a request that kills the updater every time is given up in the end', async () => {
  lab.tools.request.write({ ...request(), starts: REQUEST_STARTS_MAX });
  await expect(serve()).rejects.toEqual(refused('UPDATE_REQUEST_GIVEN_UP'));
  expect(kept()).toBe('missing');
  expect(lab.history[0]?.reason).toContain('UPDATE_REQUEST_GIVEN_UP');
});

test('a mistake in the configuration refuses a request, and the history says so', async () => {
  lab.configure('ssh:\n  authorized_keys: [nonsense]\n');
  ask(request());
  await expect(serve()).rejects.toEqual(refused('UPDATE_CONFIG_REFUSED'));
  expect(kept()).toBe('missing');
  expect(lab.history[0]?.reason).toContain('UPDATE_CONFIG_REFUSED');
});

test('damaged leftovers of a request are taken away', async () => {
  writeFileSync(lab.machine.at('data/update/request.json'), '{');
  await expect(serve()).rejects.toEqual(refused('UPDATE_REQUEST_INVALID'));
  expect(kept()).toBe('missing');
});

describe('a request that was ordered', () => {
  const NAME = '0199a7c0-0000-7000-8000-000000000001/1';
  const ordered = (version = '1.1.0', more: Partial<OrderedUpdate> = {}) =>
    request(`${version}.bundle`, {
      reboot: true,
      order: {
        ...{ name: NAME, version, size_bytes: statSync(lab.machine.at(`${version}.bundle`)).size },
        ...{ at_once: false, retry_rejected: false, allow_downgrade: false, ...more },
      },
    });
  const closedWindow = () => {
    lab.configure("update:\n  window: { start: '02:00', end: '04:00', days: [sun] }\n");
    lab.clockSynchronised();
  };

  test('is found again by its name until it has ended, and in the history then', async () => {
    ask(ordered());
    await serve();
    expect(lab.tools.progress.read()).toMatchObject({ value: { state: 'ready', order: NAME } });
    expect(lab.tools.pending.read()).toMatchObject({ value: { order: NAME } });
    expect(lab.rebooted).toBe(true);
    await lab.boot();
    await lab.judge('healthy');
    await concludePending(lab.tools);
    expect(lab.history).toMatchObject([{ outcome: 'succeeded', version: '1.1.0', order: NAME }]);
  });

  test('takes over what is armed already, and waits for the window unless it says at once', async () => {
    closedWindow();
    ask(request());
    await serve();
    ask(ordered());
    await serve();
    expect(lab.rebooted).toBe(false);
    ask(ordered('1.1.0', { at_once: true }));
    await serve();
    expect(lab.rebooted).toBe(true);
    expect(lab.tools.pending.read()).toMatchObject({ value: { order: NAME, reboot: 'now', at_once: true } });
  });

  test.each([
    ['size', { size_bytes: 7 }],
    ['version', { version: '1.1.1' }],
  ])('is refused before anything is written when the %s is another', async (_, changed) => {
    const before = lab.state;
    ask(ordered('1.1.0', changed));
    await expect(serve()).rejects.toEqual(refused('UPDATE_NOT_AS_ORDERED'));
    expect(lab.state).toEqual(before);
    expect(lab.versionOf('B')).toBeNull();
    expect(lab.history).toMatchObject([{ outcome: 'failed', code: 'UPDATE_NOT_AS_ORDERED', order: NAME }]);
  });

  test('goes back, and tries again what was given up, only where the order says so', async () => {
    await lab.release('0.9.0');
    ask(ordered('0.9.0'));
    await expect(serve()).rejects.toEqual(refused('UPDATE_DOWNGRADE'));
    const given = { version: '1.1.0', root_hash: 'a'.repeat(64), at: lab.now.toISOString(), reason: 'bad' };
    lab.tools.rejected.write({ format: 1, releases: [given] });
    ask(ordered());
    await expect(serve()).rejects.toEqual(refused('UPDATE_REJECTED_BEFORE'));
    ask(ordered('1.1.0', { retry_rejected: true }));
    await serve();
    expect(lab.versionOf('B')).toBe('1.1.0');
    ask(ordered('0.9.0', { allow_downgrade: true }));
    await serve();
    expect(lab.versionOf('B')).toBe('0.9.0');
  });

  test('that an operator stops is told as cancelled, once', async () => {
    ask(ordered());
    const running = serve();
    const stopping = setInterval(() => process.emit('SIGTERM'), 1);
    await expect(running)
      .rejects.toThrow(/stopped|called off/)
      .finally(() => clearInterval(stopping));
    expect(lab.history).toMatchObject([{ outcome: 'cancelled', order: NAME }]);
  });

  test('and was broken off by another one is told as displaced', async () => {
    lab.tools.request.write({ ...ordered(), starts: 1 });
    ask(request());
    await serve();
    expect(lab.history).toMatchObject([{ outcome: 'failed', code: 'UPDATE_DISPLACED', order: NAME }]);
    expect(lab.state.trial).toBe('B');
  });
});
