import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { downloadingUpdate } from '../../status-page/example-updates.ts';
import type { Status } from '../../status-page/status.ts';
import { assembleStatus, NO_SLOW_FACTS, openJournals, type SlowFacts } from '../facts/collect-status.ts';
import { type FactTree, makeFactTree } from '../facts/fact-tree.ts';
import { ProgressReport } from '../update/progress-report.ts';
import { REFRESH_IDLE_MS, REFRESH_WATCHED_MS, WATCHED_FOR_MS } from './limits.ts';
import { planRefresh } from './refresh-schedule.ts';
import { createStatusKeeper, lastingFacts, type StatusKeeper } from './status-keeper.ts';

let tree: FactTree;
let keeper: StatusKeeper | undefined;
let looks: number;
beforeEach(() => {
  tree = makeFactTree();
  looks = 0;
});
afterEach(() => {
  keeper?.stop();
  tree.remove();
});

/** A keeper over a real tree of files, with a clock of its own. */
function makeKeeper(collectSlow: () => Promise<SlowFacts> = async () => NO_SLOW_FACTS) {
  const clock = { now_ms: 0 };
  const journals = openJournals(tree.context.paths);
  const made = createStatusKeeper({
    assemble: (slow) => {
      looks += 1;
      return assembleStatus(tree.context, slow, journals);
    },
    collectSlow,
    now_ms: () => clock.now_ms,
  });
  keeper = made;
  return { keeper: made, clock };
}

describe('the schedule', () => {
  test('is quick while somebody looks and slow otherwise', () => {
    expect(planRefresh({ now_ms: 0, asked_ms: null, slow_ms: 0 })).toEqual({
      watched: false,
      next_ms: REFRESH_IDLE_MS,
      slowDue: false,
    });
    expect(planRefresh({ now_ms: 1_000, asked_ms: 0, slow_ms: 0 })).toEqual({
      watched: true,
      next_ms: REFRESH_WATCHED_MS,
      slowDue: false,
    });
    expect(planRefresh({ now_ms: WATCHED_FOR_MS, asked_ms: 0, slow_ms: 0 }).watched).toBe(false);
  });

  test('asks for the facts that cost a process first of all, then rarely', () => {
    expect(planRefresh({ now_ms: 0, asked_ms: null, slow_ms: null }).slowDue).toBe(true);
    expect(planRefresh({ now_ms: 15_000, asked_ms: null, slow_ms: 0 }).slowDue).toBe(false);
    expect(planRefresh({ now_ms: 15_000, asked_ms: 14_000, slow_ms: 0 }).slowDue).toBe(true);
    expect(planRefresh({ now_ms: 60_000, asked_ms: null, slow_ms: 0 }).slowDue).toBe(true);
  });
});

describe('the keeper', () => {
  test('looks once for any number of questions within a second', async () => {
    const { keeper, clock } = makeKeeper(() => new Promise(() => {}));
    await Promise.all(Array.from({ length: 100 }, () => keeper.current()));
    expect(looks).toBe(1);
    clock.now_ms = 1_500;
    await keeper.current();
    expect(looks).toBe(2);
  });

  test('tells a change at once when poked, and stays silent when nothing lasting changed', async () => {
    const { keeper } = makeKeeper();
    const heard: Status[] = [];
    keeper.poke();
    keeper.subscribe((status) => heard.push(status));
    tree.write('proc/uptime', '99.00 1.00\n');
    keeper.poke();
    expect(heard).toHaveLength(0);
    tree.write('image.json', '{"version":"2.0.0"}');
    keeper.poke();
    expect(heard.at(-1)?.version.running).toBe('2.0.0');
  });

  test('tells the moving numbers as well while somebody looks', async () => {
    const { keeper } = makeKeeper(() => new Promise(() => {}));
    const heard: Status[] = [];
    await keeper.current();
    keeper.subscribe((status) => heard.push(status));
    tree.write('proc/uptime', '99.00 1.00\n');
    keeper.poke();
    expect(heard.at(-1)?.system.uptime_s).toBe(99);
  });

  test('tells how far an update has come to those who look, and disturbs nobody else with it', async () => {
    const { keeper } = makeKeeper(() => new Promise(() => {}));
    const report = new ProgressReport(
      'B',
      () => tree.context.now(),
      () => 0,
    );
    const heard: Status[] = [];
    const write = (done_bytes: number) => {
      const step = { event: 'progress', method: 'full', version: '1.1.0', resumed_bytes: 0 } as const;
      const progress = report.take({ ...step, phase: 'transfer', done_bytes, total_bytes: 10 });
      tree.write('run/bulkhead/update.json', JSON.stringify(progress));
      keeper.poke();
    };
    keeper.subscribe((status) => heard.push(status));
    write(1);
    write(2);
    write(3);
    expect(heard.map(({ update }) => update.progress?.done_bytes)).toEqual([1]);
    await keeper.current();
    write(4);
    expect(heard.at(-1)?.update).toMatchObject({ state: 'downloading', progress: { done_bytes: 4 } });
  });

  test('shows slow facts as soon as they are there, and answers before', async () => {
    let answer: (facts: SlowFacts) => void = () => {};
    const { keeper } = makeKeeper(
      () =>
        new Promise((resolve) => {
          answer = resolve;
        }),
    );
    expect((await keeper.current()).time.server).toBeNull();
    const heard: Status[] = [];
    keeper.subscribe((status) => heard.push(status));
    answer({ services: [], timeServer: { server: '10.0.2.3', offset_ms: 4 } });
    await Bun.sleep(10);
    expect(heard.at(-1)?.time).toMatchObject({ server: '10.0.2.3', offset_ms: 4 });
  });

  test('says nothing to those who left, and nothing after it was stopped', async () => {
    const { keeper } = makeKeeper();
    let heard = 0;
    const leave = keeper.subscribe(() => {
      heard += 1;
    });
    leave();
    tree.write('image.json', '{"version":"2.0.0"}');
    keeper.poke();
    keeper.subscribe(() => {
      heard += 1;
    });
    keeper.stop();
    tree.write('image.json', '{"version":"3.0.0"}');
    keeper.poke();
    expect(heard).toBe(0);
  });
});

test('how far an update has come is no news by itself; its next step and its end are', () => {
  const base = assembleStatus(tree.context, NO_SLOW_FACTS, openJournals(tree.context.paths));
  const update = downloadingUpdate();
  const { progress } = update;
  if (progress === null) throw new Error('the example has progress');
  const lasting = (change: Partial<Status['update']>) =>
    lastingFacts({ ...base, update: { ...update, ...change } });
  const further = { ...progress, done_bytes: 1, fetched_bytes: 1, updatedAt: '2030-01-01T00:00:00.000Z' };
  expect(lasting({ progress: further, message: 'writing 0.5.0: 41 %' })).toBe(lasting({}));
  expect(lasting({ progress: { ...progress, phase: 'read-back' } })).not.toBe(lasting({}));
  expect(lasting({ state: 'failed' })).not.toBe(lasting({}));
  expect(lasting({ history: [] })).not.toBe(lasting({}));
});

test('time, uptime, memory and load are no news by themselves; a service that failed is', () => {
  const journals = openJournals(tree.context.paths);
  const one = assembleStatus(tree.context, NO_SLOW_FACTS, journals);
  const later: Status = {
    ...one,
    system: {
      ...one.system,
      uptime_s: 1e6,
      load: [9, 9, 9],
      temperature_c: 70,
      memory: { total_bytes: 1, used_bytes: 1, agent_bytes: 1 },
    },
    time: { ...one.time, now: '2030-01-01T00:00:00.000Z', offset_ms: 7 },
  };
  expect(lastingFacts(later)).toBe(lastingFacts(one));
  const service = {
    unit: 'x.service',
    description: '',
    state: 'running',
    critical: true,
    restarts: 0,
    memory_bytes: 1,
  } as const;
  const running = { ...one, services: [service] };
  expect(lastingFacts({ ...running, services: [{ ...service, memory_bytes: 2 }] })).toBe(
    lastingFacts(running),
  );
  expect(lastingFacts({ ...running, services: [{ ...service, state: 'failed' }] })).not.toBe(
    lastingFacts(running),
  );
});
