import { existsSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type ReleaseServer, serveReleases } from '../../test/qemu/harness/release-server.ts';
import { ApplianceLab } from './lab/appliance-lab.ts';
import { REQUEST_STARTS_MAX } from './limits.ts';
import { type UpdateRequestFile, writeRequest } from './request-file.ts';
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
