import { createHmac } from 'node:crypto';
import { join } from 'node:path';
import { getLogger } from '@logtape/logtape';
import { expect, onTestFinished, test } from 'vitest';
import { run, runOrThrow } from '../base/run.ts';
import { openBackends } from '../test/coordinator/backends.ts';
import { startPair } from '../test/coordinator/pair-lab.ts';
import { installLab } from '../test/unit/install-lab.ts';
import { makeFolder } from '../test/unit/make-folder.ts';
import { type Api, openApi } from './client/api.ts';
import { ORDER_ACCEPT_MS } from './limits.ts';
import { prepareCodes } from './simulate/codes.ts';
import { startFleet } from './simulate/fleet.ts';
import { work } from './worker/work.ts';

const FULL = process.env['BULKHEAD_FULL'] === '1';
/** Kills while something is built, and while it is rolled out; orders of each appliance beside its update. */
const [BUILD_KILLS, ROLLOUT_KILLS, ORDERS_EACH] = FULL ? [5, 30, 40] : [2, 4, 4];
const APPLIANCES = 3;
/** Nothing has moved for so long: what was on its way with one that was killed comes again when its time is over. */
const STUCK_MS = 4_000;
/** Until somebody is told that it hangs: an idle computer takes a tenth of it. */
const SETTLED_MS = FULL ? 900_000 : 240_000;

const backends = openBackends();
const box = installLab();

type Rows = Record<string, unknown>[];
interface Order {
  id: string;
  device_id: string;
  type: string;
  state: string;
  attempt: number;
  events: { state: string; attempt: number }[];
  log: { text: string }[];
}

interface Change {
  field: string;
  after: unknown;
}

/** A repository whose build takes the bundle that is there. */
async function makeRepository(folder: string): Promise<{ address: string; commit: string }> {
  const repository = join(folder, 'repository');
  const git = async (...args: string[]) => (await runOrThrow(run, 'git', ['-C', repository, ...args])).trim();
  await runOrThrow(run, 'git', ['init', '-q', '-b', 'main', repository]);
  await Bun.write(join(repository, 'build.sh'), 'echo built\ncp "$BUNDLE" "$BULKHEAD_OUTPUT/x.bundle"\n');
  await git('add', '.');
  await git('-c', 'user.name=t', '-c', 'user.email=t@example.org', 'commit', '-q', '-m', 'one');
  return { address: `file://${repository}`, commit: await git('rev-parse', 'HEAD') };
}

/** Asks until it is answered: for what may be asked any number of times. */
async function surely<T>(act: () => Promise<T>): Promise<T> {
  for (let tries = 0; ; tries += 1) {
    try {
      return await act();
    } catch (error) {
      if (tries === 200) throw error;
      await Bun.sleep(50);
    }
  }
}

async function signIn(url: URL, code: string): Promise<Api> {
  const response = await fetch(new URL('/api/v1/session', url), {
    ...{ method: 'POST', body: JSON.stringify({ code }) },
    headers: { 'content-type': 'application/json' },
  });
  const { token } = (await response.json()) as { token: string };
  return openApi({ server: url.href }, { BULKHEAD_TOKEN: token });
}

test(
  'two coordinators, of which one is killed again and again from the push to the last update: nothing is lost and nothing done twice',
  async () => {
    const folder = makeFolder('pair');
    await box.full('new');
    const repository = await makeRepository(folder);
    const pair = await startPair(await backends.place('postgres'));
    const api = await signIn(pair.url, pair.code);
    const get = <T>(path: string) => surely(() => api.call('GET', path)) as Promise<T>;

    // Before the first is killed: what an operator says once.
    const codes = await prepareCodes(api, APPLIANCES, 'simulated');
    const rule = { ref: 'refs/heads/main', channel: 'stable', command: 'sh build.sh' };
    const wanted = { name: 'image', service: 'gitea', repository: repository.address, rules: [rule] };
    const { project, secret } = (await api.call('POST', '/api/v1/projects', wanted)) as {
      project: { id: string };
      secret: string;
    };
    const scopes = ['build', 'release', 'read'];
    const { token } = (await api.call('POST', '/api/v1/tokens', { name: 'w', scopes })) as { token: string };
    const fleet = startFleet({
      ...{ server: pair.url, appliances: APPLIANCES, seed: 'pair', hardware: 'qemu', version: '1.0.0' },
      ...{ odds: { failure: 0, rollback: 0, silent: 0 }, update_ms: 1_500, sessions: true },
      ...{ sites_percent: 100, codeFor: codes.codeFor },
    });
    onTestFinished(() => fleet.stop());
    await expect.poll(() => fleet.read().state_reports, { timeout: 15_000 }).toBe(APPLIANCES);
    const { devices } = await get<{ devices: { id: string }[] }>('/api/v1/devices');
    for (const { id: device_id } of devices)
      for (let count = 0; count < ORDERS_EACH; count += 1) {
        const order =
          count % 2 === 0
            ? { type: 'view_logs', parameters: { since_s: 60, lines_max: 10 } }
            : { type: 'reboot', parameters: { reason: 'test', reboot: 'at_once' } };
        await api.call('POST', '/api/v1/orders', { device_id, ...order });
      }
    const reboots = Math.floor(ORDERS_EACH / 2);

    pair.beginKilling(BUILD_KILLS);
    const stopping = new AbortController();
    const working = work({
      ...{ api: openApi({ server: pair.url.href }, { BULKHEAD_TOKEN: token }), name: 'one' },
      ...{ folder: join(folder, 'builds'), log: getLogger(['lab']), stop: stopping.signal },
      environment: { PATH: process.env['PATH'] ?? '', HOME: folder, BUNDLE: box.bundleFile('new') },
      ...{ lease_ask_ms: 200, log_interval_ms: 50 },
    });
    onTestFinished(async () => {
      stopping.abort();
      await working;
    });
    // The Git service tells of the push until it is answered, and once more.
    const push = JSON.stringify({ ref: 'refs/heads/main', after: repository.commit });
    const tell = () =>
      fetch(new URL(`/webhooks/${project.id}`, pair.url), {
        ...{ method: 'POST', body: push },
        headers: {
          ...{ 'x-gitea-event': 'push', 'x-gitea-delivery': 'd1' },
          'x-gitea-signature': createHmac('sha256', secret).update(push).digest('hex'),
        },
      });
    for (let told = 0; told < 2; told += 1) expect((await surely(tell)).status).toBe(202);

    /** Looks until it is so; what stands still is helped on by the clock. */
    const until = async (what: string, look: () => Promise<{ done: boolean; seen: unknown }>) => {
      const deadline_ms = performance.now() + SETTLED_MS;
      let [before, moved_ms] = ['', performance.now()];
      for (;;) {
        const { done, seen } = await look();
        if (done) return;
        const now = JSON.stringify(seen);
        if (now !== before) [before, moved_ms] = [now, performance.now()];
        if (performance.now() - moved_ms > STUCK_MS) {
          pair.wait(ORDER_ACCEPT_MS);
          moved_ms = performance.now();
        }
        if (performance.now() > deadline_ms) throw new Error(`${what}: ${now}`);
        await Bun.sleep(250);
      }
    };
    await until('a release', async () => {
      const seen = [await get<Rows>('/api/v1/jobs'), await get<{ releases: Rows }>('/api/v1/releases')];
      const { jobs } = seen[0] as unknown as { jobs: { state: string }[] };
      return { done: jobs[0]?.state === 'succeeded', seen };
    });
    // Said once by a person, who would look before saying it again.
    await pair.endKilling();
    const stages = [{ count: 1 }, { percent: 100 }];
    const rollout = {
      version: '1.1.0',
      cohort: 'all',
      stages,
      soak_ms: 0,
      parallel_max: 1,
      success_min_percent: 0,
    };
    const { id } = (await api.call('POST', '/api/v1/rollouts', rollout)) as { id: string };
    await api.call('POST', `/api/v1/rollouts/${id}/actions`, { action: 'approve' });
    pair.beginKilling(ROLLOUT_KILLS);
    const listOrders = async () =>
      (await get<{ orders: Order[] }>('/api/v1/orders?limit=500')).orders.map(
        ({ id, state, attempt }) => `${id} ${state} ${attempt}`,
      );
    await until('the end of the rollout and of all orders', async () => {
      const { phase, brake } = await get<{ phase: string; brake: unknown }>(`/api/v1/rollouts/${id}`);
      const seen = [phase, JSON.stringify(brake), ...(await listOrders())];
      const over = seen.slice(2).every((line) => line.includes(' succeeded '));
      const done = phase === 'completed' && over && pair.doomed() === 0;
      return { done, seen };
    });
    await pair.endKilling();
    await fleet.stop();
    stopping.abort();
    await working;

    // One push, one build, one release.
    const { jobs } = await get<{ jobs: Rows }>('/api/v1/jobs');
    expect(jobs).toMatchObject([{ state: 'succeeded', message: 'release 1.1.0' }]);
    const { releases } = await get<{ releases: Rows }>('/api/v1/releases');
    expect(releases).toMatchObject([{ version: '1.1.0' }]);
    // Each order was carried out once, said so once, and its log is there once.
    const { orders } = await get<{ orders: Order[] }>('/api/v1/orders?limit=500');
    expect(orders).toHaveLength(APPLIANCES * (ORDERS_EACH + 1));
    expect(orders.filter(({ type }) => type === 'update')).toHaveLength(APPLIANCES);
    for (const { id } of orders) {
      const order = await get<Order>(`/api/v1/orders/${id}`);
      const times = (state: string) => order.events.filter((event) => event.state === state).length;
      expect([order.attempt, times('accepted'), times('succeeded')], id).toEqual([1, 1, 1]);
      const text = order.type === 'view_logs' ? ['view_logs: simulated\n'] : [];
      expect(order.log.map(({ text }) => text)).toEqual(text);
    }
    const { received, succeeded, failed } = fleet.read().orders;
    expect({ received, succeeded, failed }).toEqual({
      ...{ received: orders.length, succeeded: orders.length, failed: 0 },
    });
    // Each report is there once: the first start, every reboot, each step of the update, the version that runs then.
    for (const { id } of devices) {
      const { changes } = await get<{ changes: { reason: string; changes: Change[] }[] }>(
        `/api/v1/devices/${id}/changes`,
      );
      const told = changes.map(({ reason, changes }) => {
        const update = changes.find(({ field }) => field === 'update' || field === 'image_version');
        return update ? `${update.field} ${update.after}` : reason;
      });
      expect(told.sort(), id).toEqual([
        ...['image_version 1.1.0', ...Array(1 + reboots).fill('startup')],
        ...['downloading', 'ready', 'rebooting', 'succeeded', 'verifying'].map((at) => `update 1.1.0 ${at}`),
      ]);
      expect(await get(`/api/v1/devices/${id}`)).toMatchObject({ image_version: '1.1.0' });
    }
    // Plans follow one another, and the audit log is whole, with each deed once.
    const { plans } = await get<{ plans: { id: string; parent: string | null; number: number }[] }>(
      `/api/v1/rollouts/${id}/plans?limit=500`,
    );
    const inOrder = plans.toReversed();
    expect(inOrder.map(({ parent }) => parent)).toEqual([null, ...inOrder.slice(0, -1).map(({ id }) => id)]);
    expect(await get('/api/v1/audit/verify')).toMatchObject({ intact: true, fault: null });
    const exported = await (await surely(() => api.stream('/api/v1/audit/export'))).text();
    const deeds = exported
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { action: string }).action);
    const once = ['job.queue', 'job.end', 'release.create', 'rollout.create', 'rollout.approve'];
    expect(deeds.filter((deed) => once.includes(deed)).sort()).toEqual(once.sort());
  },
  SETTLED_MS * 2 + 60_000,
);
