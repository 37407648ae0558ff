import { describe, expect, test } from 'vitest';
import type { PastUpdate, UpdateProgress } from '../../updater/state/records.ts';
import type { BookEntry } from './entry.ts';
import { makeEntry, makeSight, NOW_MS, orderId, startedEntry } from './lab/order-lab.ts';
import { LOST_AFTER_MS } from './limits.ts';
import { planOrders } from './plan.ts';
import type { Sight } from './sight.ts';

/** What is done with orders, for every state and everything that can be seen. */

const NAME = `${orderId()}/1`;
const plan = (entries: BookEntry | BookEntry[], sight: Partial<Sight> = {}) =>
  planOrders([entries].flat(), makeSight(sight)).map((step) => ({
    ...{ act: step.act, id: step.entry.id },
    ...(step.act === 'end' ? { outcome: step.outcome } : {}),
  }));
const acts = (entries: BookEntry | BookEntry[], sight: Partial<Sight> = {}) =>
  plan(entries, sight).map(({ act }) => act);
const ending = (entry: BookEntry, sight: Partial<Sight> = {}) => plan(entry, sight)[0]?.outcome;
const failed = (code: string) => expect.objectContaining({ state: 'failed', code });
const nothing = makeSight().update;
const later = { now_ms: NOW_MS + LOST_AFTER_MS };

const past = (changed: Partial<PastUpdate> = {}): PastUpdate => ({
  ...{ at: '2026-11-21T12:10:00Z', outcome: 'succeeded', version: '1.1.0', from_version: '1.0.0', slot: 'B' },
  ...{ root_hash: null, method: 'delta', fetched_bytes: 5, reason: 'fine', console_tail: [], order: NAME },
  ...changed,
});
const history = (...entries: PastUpdate[]) => ({ update: { ...nothing, history: entries } });

describe('an order', () => {
  test('is told before anything of it happens, and when it has ended', () => {
    expect(acts(makeEntry('reboot', { told: 'nothing' }))).toEqual(['tell']);
    expect(acts(startedEntry('reboot', { told: 'nothing' }))).toEqual(['tell']);
    expect(acts(makeEntry('reboot', { state: 'failed' }))).toEqual(['tell']);
    expect(acts(makeEntry('reboot', { state: 'failed', told: 'ended' }))).toEqual([]);
  });

  test.each(['force_checkin', 'view_logs', 'diagnostic', 'reboot', 'update', 'rollback', 'restart_agent'])(
    'of type %s is started when nothing is in its way',
    (type) => {
      expect(acts(makeEntry(type))).toEqual(['start']);
    },
  );

  test('that has waited for longer than it may is given up', () => {
    const over = { now_ms: NOW_MS + 60_000 };
    expect(ending(makeEntry('reboot', { timeout_s: 60 }), { ...over, judged: false })).toEqual(
      failed('ORDER_DEADLINE'),
    );
    const job = startedEntry('view_logs', { timeout_s: 60 });
    expect(ending(job, { ...over, doing: new Set([NAME]) })).toEqual(failed('ORDER_DEADLINE'));
    const asked = { update: { ...nothing, asked: NAME } };
    expect(ending(startedEntry('update', { timeout_s: 60 }), { ...over, ...asked })).toEqual(
      failed('ORDER_DEADLINE'),
    );
  });

  test('whose effect was seen has succeeded, however late', () => {
    const sight = { now_ms: NOW_MS + 9e9, boot_id: 'boot-2' };
    expect(ending(startedEntry('reboot'), sight)).toMatchObject({ state: 'succeeded' });
  });
});

describe('orders that change the machine', () => {
  test('come one after the other, in the order in which they came', () => {
    const [first, second] = [makeEntry('reboot'), makeEntry('update', { id: orderId(2) })];
    expect(plan([first, second])).toEqual([{ act: 'start', id: orderId() }]);
    expect(acts([startedEntry('reboot'), second])).toEqual([]);
  });

  test('wait for the health gate: a restart before that costs an attempt', () => {
    expect(acts(makeEntry('reboot'), { judged: false })).toEqual([]);
    expect(acts(makeEntry('update'), { judged: false })).toEqual([]);
    expect(acts(makeEntry('view_logs'), { judged: false })).toEqual(['start']);
  });

  test('wait for their window where the order says so; an update waits for it armed', () => {
    const parameters = { reason: 'x', reboot: 'in_window' };
    expect(acts(makeEntry('reboot', { parameters }), { window_open: false })).toEqual([]);
    expect(acts(makeEntry('reboot', { parameters }))).toEqual(['start']);
    expect(acts(makeEntry('rollback', { parameters }), { window_open: false })).toEqual(['start']);
  });

  test('do nothing for what is so already', () => {
    const there = { committed: { slot: 'B', version: '1.1.0' } };
    expect(ending(makeEntry('update'), there)).toEqual({
      state: 'succeeded',
      facts: { slot: 'B', version: '1.1.0', already: true },
    });
    expect(acts(makeEntry('update'), { committed: null })).toEqual(['start']);
    const back = makeEntry('rollback', {
      parameters: { to_version: '1.1.0', reason: 'x', reboot: 'at_once' },
    });
    expect(ending(back, there)).toMatchObject({ state: 'succeeded' });
  });
});

describe('orders that only look', () => {
  const look = (number: number) => makeEntry('view_logs', { id: orderId(number) });

  test('are done beside everything else, a few at once', () => {
    expect(
      plan([startedEntry('update'), look(2), look(3), look(4)], { update: { ...nothing, asked: NAME } }),
    ).toEqual([
      { act: 'start', id: orderId(2) },
      { act: 'start', id: orderId(3) },
    ]);
    expect(acts([look(4)], { doing: new Set(['a/1', 'b/1']) })).toEqual([]);
  });

  test('keep the agent from being restarted under them', () => {
    const restart = makeEntry('restart_agent');
    expect(acts(restart, { doing: new Set(['a/1']) })).toEqual([]);
    expect(plan([restart, look(2)])).toEqual([{ act: 'start', id: orderId() }]);
  });

  test('are interrupted when the process is another one', () => {
    expect(ending(startedEntry('view_logs'))).toEqual(failed('ORDER_INTERRUPTED'));
    expect(acts(startedEntry('view_logs'), { doing: new Set([NAME]) })).toEqual([]);
  });
});

describe('a reboot', () => {
  const reboot = startedEntry('reboot');

  test('is under way until the boot is another one', () => {
    expect(acts(reboot, { power: { asked: NAME, answer: null } })).toEqual([]);
    expect(ending(reboot, { boot_id: 'boot-2' })).toEqual({
      state: 'succeeded',
      facts: { boot_id: 'boot-2', boot_id_before: 'boot-1' },
    });
  });

  test('that root refuses fails with its words; one that nobody knows of is lost', () => {
    const answer = {
      format: 1,
      order: NAME,
      outcome: 'failed',
      code: 'UPDATE_REBOOT_FAILED',
      message: 'no',
    } as const;
    expect(ending(reboot, { power: { asked: null, answer } })).toEqual({
      ...{ state: 'failed', code: 'UPDATE_REBOOT_FAILED', message: 'no' },
    });
    expect(acts(reboot)).toEqual([]);
    expect(ending(reboot, later)).toEqual(failed('ORDER_LOST'));
    const done = { ...answer, outcome: 'done', code: null } as const;
    expect(acts(reboot, { ...later, power: { asked: null, answer: done } })).toEqual([]);
  });
});

test('the agent has been restarted when it is another process', () => {
  expect(acts(startedEntry('restart_agent'))).toEqual([]);
  expect(ending(startedEntry('restart_agent'), { run_id: 'run-2' })).toMatchObject({ state: 'succeeded' });
  expect(ending(startedEntry('restart_agent'), later)).toEqual(failed('ORDER_LOST'));
});

describe('an update', () => {
  const update = startedEntry('update');
  const progress: UpdateProgress = {
    ...{ format: 1, state: 'downloading', phase: 'transfer', version: '1.1.0', slot: 'B', method: 'full' },
    ...{ done_bytes: 1, total_bytes: 2, fetched_bytes: 1, fetch_total_bytes: 2, message: '' },
    ...{ started_at: '', updated_at: '', code: null, order: NAME },
  };

  test.each([
    ['asked for', { asked: NAME }],
    ['taken', { taken: NAME }],
    ['transferred', { progress }],
    ['waiting for its boot', { pending: { order: NAME } as Sight['update']['pending'] }],
  ])('that is %s is under way, for as long as it takes', (_, records) => {
    expect(acts(update, { ...later, update: { ...nothing, ...records } })).toEqual([]);
  });

  test('has succeeded when the committed slot runs it, and not before', () => {
    expect(acts(update, { ...history(past()), committed: null })).toEqual([]);
    expect(ending(update, { ...history(past()), committed: { slot: 'B', version: '1.1.0' } })).toEqual({
      state: 'succeeded',
      facts: { slot: 'B', version: '1.1.0', method: 'delta', fetched_bytes: 5, from_version: '1.0.0' },
    });
  });

  test('that came back has failed, with the reason and the console of its last boot', () => {
    const fallen = past({
      outcome: 'rolled_back',
      reason: 'the gate refused it',
      console_tail: ['oops', 'panic'],
    });
    expect(ending(update, history(fallen))).toEqual({
      ...{ state: 'failed', code: 'UPDATE_ROLLED_BACK', message: 'the gate refused it' },
      log: ['oops', 'panic'],
    });
    expect(ending(update, history(past()))).toEqual(failed('UPDATE_ROLLED_BACK'));
  });

  test('that the updater refused has failed with its code', () => {
    const refused = past({
      outcome: 'failed',
      version: null,
      code: 'FETCH_NOT_FOUND',
      reason: 'FETCH_NOT_FOUND: gone',
    });
    expect(ending(update, history(refused))).toEqual({
      state: 'failed',
      code: 'FETCH_NOT_FOUND',
      message: 'gone',
    });
    expect(ending(update, history(past({ outcome: 'cancelled' })))).toEqual(failed('ORDER_CANCELLED'));
    const unwritten = {
      ...progress,
      state: 'failed',
      code: 'UPDATE_DISK',
      message: 'UPDATE_DISK: full',
    } as const;
    expect(ending(update, { update: { ...nothing, progress: unwritten } })).toEqual(failed('UPDATE_DISK'));
  });

  test('is not told by that of another order, and one that no record knows is lost', () => {
    expect(acts(update, history(past({ order: `${orderId(2)}/1` })))).toEqual([]);
    expect(ending(update, { ...later, ...history(past({ order: `${orderId(2)}/1` })) })).toEqual(
      failed('ORDER_LOST'),
    );
  });

  test('to what ran already leaves no record and has succeeded', () => {
    expect(ending(update, { committed: { slot: 'A', version: '1.1.0' } })).toMatchObject({
      state: 'succeeded',
    });
  });
});

describe('a return', () => {
  const back = startedEntry('rollback', {
    start: { at_ms: NOW_MS, boot_id: 'boot-1', run_id: 'run-1', version: '1.1.0' },
  });

  test('has succeeded when the slot before is the committed one', () => {
    expect(ending(back, history(past({ version: '1.0.0', from_version: '1.1.0' })))).toMatchObject({
      state: 'succeeded',
      facts: { version: '1.0.0' },
    });
  });

  test('out of a trial is told by what runs after the restart', () => {
    expect(acts(back, { boot_id: 'boot-2', committed: null })).toEqual([]);
    expect(ending(back, { boot_id: 'boot-2' })).toMatchObject({
      state: 'succeeded',
      facts: { version: '1.0.0' },
    });
    const same = { boot_id: 'boot-2', committed: { slot: 'B', version: '1.1.0' } };
    expect(ending(back, same)).toEqual(failed('ORDER_LOST'));
  });

  test('whose slot did not come up has failed', () => {
    expect(ending(back, history(past({ outcome: 'rolled_back', version: '1.0.0' })))).toEqual(
      failed('UPDATE_ROLLED_BACK'),
    );
  });
});
