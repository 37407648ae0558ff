import { afterEach, expect, test } from 'vitest';
import { type CoordinatorLab, startLab } from '../../test/coordinator/coordinator-lab.ts';
import { administrator, TEST_KEYS_FILE } from '../../test/coordinator/publisher.ts';
import { installLab } from '../../test/unit/install-lab.ts';
import { makeFolder } from '../../test/unit/make-folder.ts';
import { publishRelease } from '../client/publish.ts';
import { runProgram } from '../program.ts';
import { prepareCodes } from './codes.ts';
import { type Fleet, type FleetOptions, startFleet } from './fleet.ts';

const box = installLab();
const fleets: Fleet[] = [];
afterEach(async () => {
  for (const fleet of fleets.splice(0)) await fleet.stop();
});

/** Often enough for a test, and as often as a key may. */
const settings = { heartbeat_interval_s: 2, agent_min_version: null, trusted_proxies: new Set<string>() };

function start(lab: CoordinatorLab, changed: Partial<FleetOptions> = {}): Fleet {
  const fleet = startFleet({
    ...{ server: new URL(lab.url), appliances: 5, seed: 'test', hardware: 'qemu', version: '1.0.0' },
    ...{ odds: { failure: 0, rollback: 0, silent: 0 }, update_ms: 200, sessions: true, sites_percent: 0 },
    ...{ codeFor: () => undefined, ...changed },
  });
  fleets.push(fleet);
  return fleet;
}

async function devices(lab: CoordinatorLab, state: string) {
  const { body } = await lab.call('GET', `/api/v1/devices?state=${state}`, undefined, await lab.admin());
  return body['devices'] as { id: string; presence: string; image_version: string; serial: string }[];
}

async function rollOut(lab: CoordinatorLab, more: object = {}): Promise<string> {
  const api = await administrator(lab);
  await box.full('new');
  await publishRelease(api, box.bundleFile('new'), { channel: 'stable', floors: [] });
  const stages = [{ count: 1 }, { percent: 100 }];
  const wanted = { version: '1.1.0', cohort: 'all', stages, soak_ms: 0, ...more };
  const { id } = (await api.call('POST', '/api/v1/rollouts', wanted)) as { id: string };
  await api.call('POST', `/api/v1/rollouts/${id}/actions`, { action: 'approve' });
  return id;
}

function phaseOf(lab: CoordinatorLab, id: string) {
  return async () =>
    (await lab.call('GET', `/api/v1/rollouts/${id}`, undefined, await lab.admin())).body['phase'];
}

test('a fleet is let in by codes, is heard, and updates itself when it is told to', async () => {
  const lab = await startLab({ settings, release_keys: TEST_KEYS_FILE, plan_interval_ms: 20 });
  const codes = await prepareCodes(await administrator(lab), 5, 'simulated');
  const fleet = start(lab, { codeFor: codes.codeFor });
  await expect.poll(() => fleet.read(), { timeout: 8000 }).toMatchObject({ let_in: 5, state_reports: 5 });
  const id = await rollOut(lab);
  await expect.poll(phaseOf(lab, id), { timeout: 15_000, interval: 100 }).toBe('completed');
  const there = await devices(lab, 'approved');
  expect(there.map(({ image_version }) => image_version)).toEqual(Array(5).fill('1.1.0'));
  expect(there.map(({ presence }) => presence)).toEqual(Array(5).fill('online'));
  await fleet.stop();
  expect(fleet.read()).toMatchObject({
    orders: { received: 5, accepted: 5, succeeded: 5, failed: 0, refused: 0 },
    ...{ refusals: {}, unanswered: 0, gone: 0, waiting: 0 },
  });
  expect(fleet.read().in_session).toBeGreaterThan(0);
  expect(fleet.read().heartbeat_ms.median).toBeGreaterThan(0);
});

test('a bad release is stopped by the brake after the first who come back', async () => {
  const lab = await startLab({ settings, release_keys: TEST_KEYS_FILE, plan_interval_ms: 20 });
  const codes = await prepareCodes(await administrator(lab), 5, 'simulated');
  const odds = { failure: 0, rollback: 1, silent: 0 };
  const fleet = start(lab, { codeFor: codes.codeFor, odds, sessions: false });
  await expect.poll(() => fleet.read().let_in, { timeout: 8000 }).toBe(5);
  const id = await rollOut(lab);
  await expect.poll(phaseOf(lab, id), { timeout: 15_000, interval: 100 }).toBe('braked');
  const there = await devices(lab, 'approved');
  expect(there.map(({ image_version }) => image_version)).toEqual(Array(5).fill('1.0.0'));
  expect(fleet.read()).toMatchObject({ in_session: 0, orders: { failed: 1, succeeded: 0 } });
});

test('who is not let in waits, who is revoked goes, and who comes again is known', async () => {
  const lab = await startLab({ settings });
  const first = start(lab, { appliances: 2 });
  await expect.poll(() => first.read().waiting, { timeout: 5000 }).toBe(2);
  const [one, two] = await devices(lab, 'pending');
  await lab.call('POST', `/api/v1/devices/${one?.id}/approve`, {}, await lab.admin());
  await first.stop();
  const again = start(lab, { appliances: 2 });
  await expect.poll(() => again.read(), { timeout: 8000 }).toMatchObject({ let_in: 1, waiting: 1 });
  expect((await devices(lab, 'pending')).map(({ id }) => id)).toEqual([two?.id]);
  await expect.poll(() => again.read().heartbeats, { timeout: 8000 }).toBeGreaterThan(0);
  await lab.call('POST', `/api/v1/devices/${one?.id}/end`, { reason: 'x' }, await lab.admin());
  await expect.poll(() => again.read(), { timeout: 8000 }).toMatchObject({ gone: 1 });
  expect(again.read().refusals).toMatchObject({ AGENT_KEY_REVOKED: 1 });
});

test('a coordinator that is not there is asked again, and found when it comes back', async () => {
  const gone = await startLab({ settings });
  const port = gone.port;
  await gone.stop();
  const fleet = start(gone, { appliances: 3 });
  await expect.poll(() => fleet.read().unanswered, { timeout: 5000 }).toBeGreaterThanOrEqual(3);
  await startLab({ settings, port });
  await expect.poll(() => fleet.read().waiting, { timeout: 15_000 }).toBe(3);
});

test('from the command line it ends by itself and tells what happened, as text and as JSON', async () => {
  const lab = await startLab({ settings });
  const token = `${makeFolder('token')}/token`;
  await Bun.write(token, await lab.admin());
  const simulate = async (...args: string[]) => {
    const said = { out: '', err: '', code: 0 };
    await runProgram(['simulate', '--server', lab.url, ...args], {
      out: (text) => (said.out += text),
      err: (text) => (said.err += text),
      setExitCode: (code) => (said.code = code),
    });
    return said;
  };
  const json = await simulate('--appliances', '20', '--token-file', token, '--for', '2', '--json');
  expect(JSON.parse(json.out)).toMatchObject({ appliances: 20, seed: 'bulkhead', let_in: 20, refusals: {} });
  expect(await devices(lab, 'approved')).toHaveLength(20);
  const { body } = await lab.call('GET', '/api/v1/enrolment-codes', undefined, await lab.admin());
  expect(body['codes']).toMatchObject([{ uses_max: 20, used: 20, revoked_ms: expect.any(Number) }]);
  const text = await simulate('--appliances', '1', '--seed', 'other', '--for', '1');
  expect(text.out).toMatch(/1 appliances at .*\n {2}let in {6}0; 1 waiting, 0 gone\n/);
  expect((await simulate('--failure', '60', '--silent', '60')).err).toContain('SIMULATE_ODDS');
  expect((await simulate('--failure', 'often')).err).toContain('a number from 0 to 100');
});
