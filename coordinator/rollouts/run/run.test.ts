import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type SimulatedAppliance, simulatedAppliance } from '../../../test/coordinator/appliance.ts';
import { BACKENDS, openBackends, type Place } from '../../../test/coordinator/backends.ts';
import { type CoordinatorLab, startLab, stopLabs } from '../../../test/coordinator/coordinator-lab.ts';
import { administrator, TEST_KEYS_FILE } from '../../../test/coordinator/publisher.ts';
import { installLab } from '../../../test/unit/install-lab.ts';
import type { Api } from '../../client/api.ts';
import { publishRelease } from '../../client/publish.ts';
import type { StartOptions } from '../../start.ts';

const box = installLab();
const backends = openBackends();
const MINUTE_MS = 60_000;
const PATIENT = { timeout: 8000 };

interface Shown {
  phase: string;
  plan_number: number;
  counts: { stage: number | null; state: string; devices: number }[];
  brake: { cause: string; reason: string } | null;
}

const start = ({ data, url }: Place, changed: Partial<StartOptions> = {}) =>
  startLab({ data, database_url: url, release_keys: TEST_KEYS_FILE, plan_interval_ms: 20, ...changed });

/** What a test does with one coordinator. */
function operate(lab: CoordinatorLab, api: Api) {
  const show = async (id: string) => (await api.call('GET', `/api/v1/rollouts/${id}`)) as Shown;
  const operator = {
    lab,
    api,
    show,
    publish: async (name: string) => {
      await box.full(name);
      const facts = { channel: 'stable', floors: [] };
      return (await publishRelease(api, box.bundleFile(name), facts)) as {
        id: string;
        bundle_sha256: string;
      };
    },
    create: async (version: string, more: object = {}) => {
      const body = { version, cohort: 'all', stages: [{ percent: 100 }], soak_ms: 0, ...more };
      return ((await api.call('POST', '/api/v1/rollouts', body)) as { id: string }).id;
    },
    act: (id: string, action: string) => api.call('POST', `/api/v1/rollouts/${id}/actions`, { action }),
    begin: async (version: string, more: object = {}) => {
      const id = await operator.create(version, more);
      await operator.act(id, 'approve');
      return id;
    },
    members: async (id: string, query = '') =>
      (
        (await api.call('GET', `/api/v1/rollouts/${id}/members${query}`)) as {
          members: { device_id: string; state: string; code: string | null; message: string | null }[];
        }
      ).members,
    orders: async (query = '') =>
      (
        (await api.call('GET', `/api/v1/orders${query}`)) as {
          orders: { device_id: string; state: string }[];
        }
      ).orders,
    /** Until the rollout is there; everyone lives on meanwhile. */
    until: async (id: string, appliances: readonly SimulatedAppliance[], done: (shown: Shown) => boolean) => {
      for (let round = 0; round < 200; round += 1) {
        const shown = await show(id);
        if (done(shown)) return shown;
        for (const one of appliances) await one.turn();
        await Bun.sleep(50);
      }
      throw new Error(`it stays ${JSON.stringify(await show(id))}`);
    },
  };
  return operator;
}

describe.each(BACKENDS)('on %s', (backend) => {
  let place: Place;
  let fleet: ReturnType<typeof operate>;
  beforeEach(async () => {
    place = await backends.place(backend);
    const lab = await start(place);
    fleet = operate(lab, await administrator(lab));
  });
  afterEach(stopLabs);

  test('a good release goes through its stages, and every appliance runs it in the end', async () => {
    const { bundle_sha256 } = await fleet.publish('new');
    const appliances = [];
    for (let count = 0; count < 4; count += 1) appliances.push(await simulatedAppliance(fleet.lab));
    const id = await fleet.create('1.1.0', { name: 'spring', stages: [{ count: 1 }, { percent: 100 }] });
    expect(await fleet.orders()).toEqual([]);
    const preview = await (await fleet.api.stream(`/api/v1/rollouts/${id}/preview`)).text();
    expect(preview).toContain('update to 1.1.0');
    expect((await fleet.show(id)).phase).toBe('draft');
    await fleet.act(id, 'approve');
    const shown = await fleet.until(id, appliances, ({ phase }) => phase === 'completed');
    expect(shown.counts).toEqual([
      { stage: 0, state: 'succeeded', devices: 1 },
      { stage: 1, state: 'succeeded', devices: 3 },
    ]);
    for (const { version, received } of appliances) {
      expect(version).toBe('1.1.0');
      expect(received).toMatchObject([
        { type: 'update', parameters: { version: '1.1.0', bundle: { sha256: bundle_sha256 } } },
      ]);
    }
    const [order] = appliances[0]?.received ?? [];
    const bundle = order?.parameters['bundle'] as { urls: string[] } | undefined;
    const url = new URL(bundle?.urls[0] ?? 'nowhere', fleet.lab.url);
    expect((await fetch(url, { method: 'HEAD' })).status).toBe(200);
    const { plans } = (await fleet.api.call('GET', `/api/v1/rollouts/${id}/plans`)) as {
      plans: { id: string; parent: string | null; number: number; reasons: string[] }[];
    };
    for (const [index, plan] of plans.entries()) {
      expect(plan.parent).toBe(plans[index + 1]?.id ?? null);
      expect(plan.number).toBe(plans.length - index);
      expect(plan.reasons).not.toEqual([]);
    }
    expect(await fleet.api.call('GET', '/api/v1/audit/verify')).toMatchObject({ intact: true });
  });

  test('a bad release stops by itself after the first who comes back, and says why', async () => {
    await fleet.publish('new');
    const appliances = [];
    for (let count = 0; count < 3; count += 1)
      appliances.push(await simulatedAppliance(fleet.lab, { habit: 'roll_back' }));
    const id = await fleet.begin('1.1.0', { stages: [{ count: 1 }, { percent: 100 }] });
    const shown = await fleet.until(id, appliances, ({ phase }) => phase === 'braked');
    expect(shown.brake).toMatchObject({ cause: 'failures' });
    expect(await fleet.members(id, '?state=failed')).toMatchObject([
      { code: 'rolled_back', message: 'the health gate refused it: agent is down' },
    ]);
    expect(await fleet.orders()).toHaveLength(1);
    // Who remembers having given it up is not asked again, in this rollout or in the next.
    await fleet.act(id, 'cancel');
    await fleet.until(id, appliances, ({ phase }) => phase === 'cancelled');
    const next = await fleet.create('1.1.0');
    expect(await (await fleet.api.stream(`/api/v1/rollouts/${next}/preview`)).text()).toContain(
      'rejected_before',
    );
  });

  test('what is only tried does not count, and what failed is tried again when an operator says so', async () => {
    await fleet.publish('new');
    const one = await simulatedAppliance(fleet.lab, { habit: 'fail' });
    const id = await fleet.begin('1.1.0');
    await fleet.until(id, [one], ({ phase }) => phase === 'braked');
    expect(await fleet.members(id)).toMatchObject([
      { state: 'failed', code: 'failed', message: 'no mirror has it' },
    ]);
    await fleet.act(id, 'retry_failed');
    await fleet.act(id, 'release_brake');
    await expect.poll(async () => (await fleet.orders('?state=queued')).length, PATIENT).toBe(1);
    const [order] = await one.fetch();
    expect(order?.parameters).toMatchObject({ version: '1.1.0' });
    one.version = '1.1.0';
    await one.report();
    await one.fetch({ version: '1.1.0', state: 'verifying' });
    await Bun.sleep(100);
    expect(await fleet.members(id)).toMatchObject([{ state: 'ordered' }]);
    await one.fetch({ version: '1.1.0', state: 'succeeded' });
    await fleet.until(id, [], ({ phase }) => phase === 'completed');
  });

  test('a pause takes back what was not fetched, and leaves what was', async () => {
    await fleet.publish('new');
    const [busy, waiting] = [await simulatedAppliance(fleet.lab), await simulatedAppliance(fleet.lab)];
    const id = await fleet.begin('1.1.0');
    await expect.poll(async () => (await fleet.orders('?state=queued')).length, PATIENT).toBe(2);
    const [order] = await busy.fetch();
    await fleet.act(id, 'pause');
    await fleet.until(id, [], ({ counts }) => counts.some(({ state }) => state === 'seated'));
    expect((await fleet.orders()).map(({ state }) => state).sort()).toEqual(['cancelled', 'handed_out']);
    expect(await waiting.fetch()).toEqual([]);
    await expect(fleet.act(id, 'approve')).rejects.toMatchObject({ code: 'ROLLOUT_ACTION_REFUSED' });
    if (order) await busy.do(order);
    await fleet.act(id, 'resume');
    await fleet.until(id, [waiting], ({ phase }) => phase === 'completed');
  });

  test('rolling back brings everyone back for real', async () => {
    await fleet.publish('new');
    const appliances = [await simulatedAppliance(fleet.lab), await simulatedAppliance(fleet.lab)];
    const id = await fleet.begin('1.1.0');
    await fleet.until(id, appliances, ({ phase }) => phase === 'completed');
    await fleet.act(id, 'roll_back');
    const shown = await fleet.until(id, appliances, ({ phase }) => phase === 'rolled_back');
    expect(shown.counts).toEqual([{ stage: 0, state: 'reverted', devices: 2 }]);
    for (const { version, received } of appliances) {
      expect(version).toBe('1.0.0');
      expect(received[1]).toMatchObject({ type: 'rollback', parameters: { to_version: '1.0.0' } });
    }
  });

  test('an appliance that was revoked, or that nobody meant, is left alone', async () => {
    await fleet.publish('new');
    const berlin = { tags: { site: 'berlin' } };
    const [here, gone] = [
      await simulatedAppliance(fleet.lab, berlin),
      await simulatedAppliance(fleet.lab, berlin),
    ];
    const elsewhere = await simulatedAppliance(fleet.lab);
    const query = 'tag.site eq "berlin" and fact.cpu_cores gt 1';
    const id = await fleet.begin('1.1.0', { cohort: query, parallel_max: 1 });
    await expect.poll(async () => (await fleet.members(id)).length, PATIENT).toBe(2);
    await fleet.api.call('POST', `/api/v1/devices/${gone.id}/end`, { reason: 'sold' });
    await fleet.until(id, [here, elsewhere], ({ phase }) => phase === 'completed');
    expect((await fleet.members(id)).map(({ device_id }) => device_id)).toEqual([here.id]);
    expect(elsewhere.received).toEqual([]);
  });

  test('a release that is withdrawn ends its rollouts, and none begins for it', async () => {
    const { id: release } = await fleet.publish('new');
    const one = await simulatedAppliance(fleet.lab);
    const id = await fleet.begin('1.1.0');
    await expect.poll(async () => (await fleet.orders('?state=queued')).length, PATIENT).toBe(1);
    await fleet.api.call('POST', `/api/v1/releases/${release}/withdraw`, { reason: 'bad' });
    await fleet.until(id, [], ({ phase }) => phase === 'cancelled');
    expect(await one.fetch()).toEqual([]);
    await expect(fleet.create('1.1.0')).rejects.toMatchObject({ code: 'ROLLOUT_RELEASE' });
    await expect(fleet.create('9.9.9')).rejects.toMatchObject({ code: 'ROLLOUT_RELEASE' });
  });

  test('an order is not handed out while its window is closed, nor after its time', async () => {
    await fleet.publish('new');
    const one = await simulatedAppliance(fleet.lab);
    const at = new Date(fleet.lab.now_ms());
    const clock = (offset_ms: number) => new Date(at.getTime() + offset_ms).toISOString().slice(11, 16);
    const days = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];
    const window = { start: clock(-60 * MINUTE_MS), end: clock(60 * MINUTE_MS), days, zone: 'UTC' };
    await fleet.begin('1.1.0', { window, order_deadline_ms: 30 * 60 * MINUTE_MS });
    await expect.poll(async () => (await fleet.orders('?state=queued')).length, PATIENT).toBe(1);
    await fleet.lab.stop();
    // A coordinator that does not plan has nothing but the order itself.
    const idle = await start(place, { plan_interval_ms: 1e9 });
    idle.wait(2 * 60 * MINUTE_MS);
    expect(await one.at(idle).fetch()).toEqual([]);
    idle.wait(21.5 * 60 * MINUTE_MS);
    const [order] = await one.fetch();
    expect(order?.expires_ms).toBeGreaterThan(idle.now_ms());
    idle.wait(24 * 60 * MINUTE_MS);
    expect(await one.fetch()).toEqual([]);
  });

  test('a definition that cannot be carried out is refused with the field that is wrong', async () => {
    await fleet.publish('new');
    await expect(fleet.create('1.1.0', { cohort: 'tag.site like 1' })).rejects.toMatchObject({
      code: 'COHORT_QUERY_INVALID',
    });
    await expect(fleet.create('1.1.0', { stages: [{ percent: 50 }, { percent: 10 }] })).rejects.toMatchObject(
      {
        code: 'ROLLOUT_INVALID',
      },
    );
    await expect(fleet.create('1.1.0', { coffee: true })).rejects.toMatchObject({ code: 'ROLLOUT_INVALID' });
    await expect(fleet.act('0'.repeat(36), 'approve')).rejects.toMatchObject({ code: 'ROLLOUT_UNKNOWN' });
  });
});

test('two coordinators on one PostgreSQL plan once, and one goes on when the other is gone', async () => {
  const place = await backends.place('postgres');
  const [first, second] = [await start(place), await start(place)];
  const fleet = operate(first, await administrator(first));
  await fleet.publish('new');
  const appliances: SimulatedAppliance[] = [];
  for (let count = 0; count < 12; count += 1) appliances.push(await simulatedAppliance(first));
  const id = await fleet.begin('1.1.0', { parallel_max: 3 });
  for (const [index, one] of appliances.entries()) one.at(index % 2 === 0 ? first : second);
  await fleet.until(id, appliances, ({ counts }) => counts.some(({ state }) => state === 'succeeded'));
  await first.stop();
  for (const one of appliances) one.at(second);
  const after = operate(second, await administrator(second));
  await after.until(id, appliances, ({ phase }) => phase === 'completed');
  expect(await after.orders()).toHaveLength(12);
  for (const { received } of appliances) expect(received).toHaveLength(1);
  const { plans } = (await after.api.call('GET', `/api/v1/rollouts/${id}/plans`)) as {
    plans: { number: number }[];
  };
  expect(plans.map(({ number }) => number)).toEqual(plans.map((_, index) => plans.length - index));
}, 20_000);
