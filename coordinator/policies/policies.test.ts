import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type SimulatedAppliance, simulatedAppliance } from '../../test/coordinator/appliance.ts';
import { BACKENDS, openBackends } from '../../test/coordinator/backends.ts';
import { type CoordinatorLab, startLab, stopLabs } from '../../test/coordinator/coordinator-lab.ts';
import { administrator, TEST_KEYS_FILE } from '../../test/coordinator/publisher.ts';
import { Visitor } from '../../test/coordinator/visitor.ts';
import { installLab } from '../../test/unit/install-lab.ts';
import { type Api, openApi } from '../client/api.ts';
import { publishRelease } from '../client/publish.ts';
import { QUIET_MAX_MS } from '../rollouts/run/limits.ts';
import type { PolicyView } from './policies.ts';
import { parseWindow, windowWords } from './words.ts';

const box = installLab();
const backends = openBackends();
const HOUR_MS = 3_600_000;
const DAY_S = 24 * 3600;
const PATIENT = { timeout: 15_000, interval: 100 };

describe.each(BACKENDS)('policies on %s', (backend) => {
  let lab: CoordinatorLab;
  let api: Api;
  beforeEach(async () => {
    const { data, url } = await backends.place(backend);
    lab = await startLab({
      ...{ data, database_url: url, release_keys: TEST_KEYS_FILE, plan_interval_ms: 20 },
      // Nobody is silent while the clock is moved by hours.
      settings: { heartbeat_interval_s: DAY_S, agent_min_version: null, trusted_proxies: new Set() },
    });
    // A session would end while the clock is moved.
    const body = { name: 'test', scopes: ['read', 'device', 'release', 'rollout', 'audit', 'admin'] };
    const { token } = (await (await administrator(lab)).call('POST', '/api/v1/tokens', body)) as {
      token: string;
    };
    api = await openApi({ server: lab.url }, { BULKHEAD_TOKEN: token });
  });
  afterEach(stopLabs);

  const publish = async (name: string, channel = 'stable') => {
    await box.full(name);
    await publishRelease(api, box.bundleFile(name), { channel, floors: [] });
  };
  const add = async (name: string, cohort: string, policy: object, more: object = {}) =>
    ((await api.call('POST', '/api/v1/policies', { name, cohort, policy, ...more })) as PolicyView).id;
  const names = async () =>
    ((await api.call('GET', '/api/v1/policies')) as { policies: PolicyView[] }).policies.map(
      ({ name }) => name,
    );
  const rollouts = async () =>
    (
      (await api.call('GET', '/api/v1/rollouts')) as {
        rollouts: { origin: string; phase: string; version: string }[];
      }
    ).rollouts;
  /** Everyone lives on until it is so; hours pass with each turn, for stages that are watched. */
  const until = (appliances: readonly SimulatedAppliance[], done: () => boolean | Promise<boolean>) =>
    expect
      .poll(async () => {
        lab.wait(6 * HOUR_MS);
        for (const one of appliances) await one.turn();
        // A look that came before the heartbeats is done again.
        lab.wait(QUIET_MAX_MS);
        return await done();
      }, PATIENT)
      .toBe(true);

  test('who follows a channel gets its newest release by itself; who is pinned or asks first does not', async () => {
    await add('labs', 'tag.ring eq "lab"', { kind: 'auto_latest', channel: 'stable' });
    const follows = await simulatedAppliance(lab, { tags: { ring: 'lab' } });
    const asks = await simulatedAppliance(lab);
    await publish('new');
    await until([follows, asks], () => follows.version === '1.1.0');
    expect(asks.received).toEqual([]);
    expect(await rollouts()).toMatchObject([{ origin: 'auto_latest', version: '1.1.0' }]);
    const drift = (await api.call('GET', `/api/v1/devices/${asks.id}/drift`)) as { state: string };
    expect(drift.state).toBe('no_deployment');
    const { intact } = (await api.call('GET', '/api/v1/audit/verify')) as { intact: boolean };
    expect(intact).toBe(true);
  });

  test('who comes to follow it when it is over is brought there as well', async () => {
    await add('labs', 'tag.ring eq "lab"', { kind: 'auto_latest', channel: 'stable' });
    const first = await simulatedAppliance(lab, { tags: { ring: 'lab' } });
    const late = await simulatedAppliance(lab);
    await publish('new');
    await until([first, late], async () => (await rollouts())[0]?.phase === 'completed');
    expect([first.version, late.version]).toEqual(['1.1.0', '1.0.0']);
    await api.call('PATCH', `/api/v1/devices/${late.id}`, { tags: { ring: 'lab' } });
    await until([first, late], () => late.version === '1.1.0');
    expect(first.received).toHaveLength(1);
  });

  test('the first that fits holds, and the order can be changed', async () => {
    await publish('new');
    await add('labs', 'tag.ring eq "lab"', { kind: 'auto_latest', channel: 'stable' });
    const pinned = await add('stay', 'all', { kind: 'pinned', version: '1.1.0' });
    const labs = await simulatedAppliance(lab, { tags: { ring: 'lab' } });
    const others = await simulatedAppliance(lab);
    const desired = async ({ id }: SimulatedAppliance) =>
      ((await api.call('GET', `/api/v1/devices/${id}/drift`)) as { desired: string | null }).desired;
    expect([await desired(labs), await desired(others)]).toEqual(['1.1.0', '1.1.0']);
    await publish('far');
    expect([await desired(labs), await desired(others)]).toEqual(['1.2.0', '1.1.0']);
    await api.call('POST', `/api/v1/policies/${pinned}/raise`);
    expect(await names()).toEqual(['stay', 'labs']);
    expect([await desired(labs), await desired(others)]).toEqual(['1.1.0', '1.1.0']);
    await api.call('DELETE', `/api/v1/policies/${pinned}`);
    expect([await desired(labs), await desired(others)]).toEqual(['1.2.0', null]);
  });

  test('their own window keeps orders from appliances while it is closed', async () => {
    const day = new Date(lab.now_ms()).getUTCDay();
    // Two days from now, at whatever hour this runs.
    const days = [['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'][(day + 2) % 7]];
    const window = { start: '00:00', end: '00:00', days, zone: 'UTC' };
    await add('all', 'all', { kind: 'auto_latest', channel: 'stable' }, { window });
    const one = await simulatedAppliance(lab);
    await publish('new');
    await expect.poll(async () => (await rollouts())[0]?.phase, PATIENT).toBe('running');
    await one.turn();
    expect(one.received).toEqual([]);
    lab.wait(48 * HOUR_MS);
    const later = async () => {
      // What only the clock and a heartbeat have changed is looked at now and then.
      lab.wait(QUIET_MAX_MS);
      return (await one.turn()).length;
    };
    await expect.poll(later, PATIENT).toBe(1);
  });

  test('what cannot hold is refused, and nothing has changed', async () => {
    const refused = async (code: string, name: string, cohort: string, policy: object, more: object = {}) =>
      await expect(add(name, cohort, policy, more)).rejects.toMatchObject({ code });
    await refused('POLICY_RELEASE', 'a', 'all', { kind: 'pinned', version: '9.9.9' });
    await refused('COHORT_QUERY_INVALID', 'a', 'tag.', { kind: 'manual' });
    await refused('REQUEST_INVALID', 'a', 'all', { kind: 'sometimes' });
    const window = { start: '25:00', end: '04:00', days: ['mon'], zone: 'UTC' };
    await refused('POLICY_WINDOW', 'a', 'all', { kind: 'manual' }, { window });
    await expect(
      api.call('DELETE', '/api/v1/policies/00000000-0000-7000-8000-000000000000'),
    ).rejects.toMatchObject({
      code: 'POLICY_UNKNOWN',
    });
    expect(await names()).toEqual([]);
  });

  test('the page adds, raises and removes them', async () => {
    const visitor = new Visitor(lab, await lab.admin());
    const at = '/rollouts/policies';
    const form = {
      name: 'labs',
      cohort: 'tag.ring eq "lab"',
      kind: 'auto_latest',
      channel: 'beta',
      window: 'sat 01:00-05:00',
    };
    await visitor.send(at, { act: 'add', ...form });
    await visitor.send(at, { act: 'add', name: 'rest', cohort: 'all', kind: 'manual' });
    const { html } = await visitor.see(at);
    for (const words of [
      'the newest release of beta, by itself',
      'sat 01:00-05:00 UTC',
      'what operators roll out',
    ])
      expect(html).toContain(words);
    const { policies } = (await api.call('GET', '/api/v1/policies')) as { policies: PolicyView[] };
    const [labs, rest] = policies.map(({ id }) => id);
    await visitor.send(at, { act: 'raise', id: String(rest) });
    expect(await names()).toEqual(['rest', 'labs']);
    await visitor.send(at, { act: 'remove', id: String(labs) });
    expect(await names()).toEqual(['rest']);
  });
});

test('a window is read as it is written', () => {
  for (const text of [
    'sat, sun 01:00-05:00 UTC'.replace(', ', ','),
    '22:00-04:00 Europe/Berlin',
    '01:00-02:00',
  ])
    expect(parseWindow(text)).not.toBeNull();
  expect(windowWords(parseWindow('22:00-04:00 Europe/Berlin'))).toBe('every day 22:00-04:00 Europe/Berlin');
  for (const text of ['', 'sat', 'xyz 01:00-02:00', '1:00-2:00']) expect(parseWindow(text)).toBeNull();
});
