import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { BulkheadError } from '../../base/errors.ts';
import { testKey } from '../../base/signing/test-key.ts';
import { ORDER_LOG_PIECE_MAX } from '../../protocol/limits.ts';
import { ORDER_TYPE_NAMES } from '../../protocol/orders/order-types.ts';
import { makeFolder } from '../../test/unit/make-folder.ts';
import { type OrderBook, openBook, readBook } from './book.ts';
import { envelope, makeOrder, makeSight, NOW_MS, OpenOutbox, orderId, seal, trust } from './lab/order-lab.ts';
import { BOOK_KEEP, BOOK_MAX, LOG_MAX } from './limits.ts';
import { createOrderRunner, type JobReport, type OrderEffects, type RunningOrders } from './runner.ts';
import type { Sight } from './sight.ts';

let path: string;
let outbox: OpenOutbox;
let warnings: string[];
let begun: string[];
let sight: Partial<Sight>;
let now_ms: number;
/** By how much somebody has set the clock. */
let set_ms: number;
let job: () => Promise<JobReport>;
let runner: RunningOrders | undefined;
let book: OrderBook;
beforeEach(() => {
  path = join(makeFolder('orders'), 'orders.db');
  outbox = new OpenOutbox();
  runner = undefined;
  [warnings, begun, sight, now_ms, set_ms] = [[], [], {}, NOW_MS, 0];
  job = async () => ({ facts: { seen: 1 } });
});
afterEach(() => runner?.stop());

function start(
  more: { path?: string | null; run_id?: string; effects?: Partial<OrderEffects> } = {},
): RunningOrders {
  book = openBook(more.path === undefined ? path : more.path, (message) => warnings.push(message));
  runner = createOrderRunner({
    ...{
      book,
      outbox,
      run_id: more.run_id ?? 'run-1',
      now_ms: () => now_ms + set_ms,
      steady_ms: () => now_ms,
      note: () => undefined,
    },
    look: () => makeSight(sight),
    warn: (message) => warnings.push(message),
    effects: {
      begin: (entry) => begun.push(entry.type),
      withdraw: (entry) => begun.push(`not ${entry.type}`),
      job: () => job(),
      ...more.effects,
    },
  });
  return runner;
}
const take = (...envelopes: unknown[]) => (runner ?? start()).take(envelopes, trust());
const ended = async (id = orderId()) => {
  for (let turn = 0; turn < 100 && outbox.states(id).length < 2; turn += 1) await Bun.sleep(5);
  return outbox.results(id).at(-1);
};

describe('an order is refused, once and with the code,', () => {
  test.each([
    ['that is for another appliance', makeOrder('reboot', { target: 'e'.repeat(64) }), 'ORDER_TARGET'],
    ['whose time is over', makeOrder('reboot', { expires_ms: NOW_MS }), 'ORDER_EXPIRED'],
    ['whose time has not come', makeOrder('reboot', { not_before_ms: NOW_MS + 1 }), 'ORDER_EARLY'],
    ['of a type that nobody knows', makeOrder('make_coffee'), 'ORDER_TYPE_UNKNOWN'],
    [
      'with parameters that do not fit',
      makeOrder('reboot', { parameters: { shell: 'sh' } }),
      'ORDER_PARAMETERS',
    ],
    ['that this version does not do', makeOrder('rotate_key', { parameters: {} }), 'ORDER_TYPE_NOT_DONE'],
  ])('%s', (_, order, code) => {
    take(seal(order));
    expect(outbox.results()).toEqual([
      expect.objectContaining({ attempt: 1, state: 'refused', code, observed_at_ms: NOW_MS }),
    ]);
    expect([begun, book.find(order)?.state]).toEqual([[], 'refused']);
  });

  test('that would have to be remembered where nothing can be', () => {
    start({ path: null });
    take(envelope('reboot'), envelope('force_checkin', { id: orderId(2) }));
    expect(outbox.results()).toMatchObject([{ state: 'refused', code: 'ORDER_NO_MEMORY' }]);
    expect(outbox.states(orderId(2))).toEqual(['accepted']);
  });

  test('and every type is either done or refused', () => {
    const known = [
      'force_checkin',
      'view_logs',
      'diagnostic',
      'update',
      'rollback',
      'reboot',
      'restart_agent',
      ...['run_drift', 'sync_rules', 'healing', 'enable_healing', 'disable_healing'],
      ...['sensor_status', 'deploy_sensor', 'remove_sensor'],
    ];
    sight = { judged: false };
    for (const [index, type] of ORDER_TYPE_NAMES.entries()) take(envelope(type, { id: orderId(index) }));
    const states = ORDER_TYPE_NAMES.map((type, index) => [type, outbox.states(orderId(index))[0]]);
    expect(states).toEqual(
      ORDER_TYPE_NAMES.map((type) => [type, known.includes(type) ? 'accepted' : 'refused']),
    );
  });
});

describe('what was not verified is not answered', () => {
  test.each([
    ['signed by a stranger', () => seal(makeOrder('reboot'), testKey('stranger'))],
    ['no envelope', () => ({ payload: 'x' })],
    ['nothing', () => null],
    [
      'changed on the way',
      () => ({ ...(envelope('reboot') as object), payload: Buffer.from('{}').toString('base64') }),
    ],
  ])('%s', (_, make) => {
    take(make());
    expect([outbox.messages, begun, book.open()]).toEqual([[], [], []]);
    expect(warnings).toHaveLength(1);
  });

  test('and what comes behind it is done', () => {
    take(null, envelope('reboot'));
    expect(begun).toEqual(['reboot']);
  });
});

describe('an order that comes again', () => {
  test('is told again and not done again', () => {
    take(envelope('reboot'));
    take(envelope('reboot', { nonce: '1'.repeat(32) }));
    expect([outbox.states(), begun]).toEqual([['accepted', 'accepted'], ['reboot']]);
  });

  test('after it has ended is told to its end again', async () => {
    take(envelope('view_logs'));
    await ended();
    take(envelope('view_logs'));
    expect(outbox.states()).toEqual(['accepted', 'succeeded', 'accepted', 'succeeded']);
  });

  test('as the next attempt is another execution, and one before it is over', async () => {
    job = () => Promise.reject(new BulkheadError('COMMAND_FAILED', 'no'));
    take(envelope('view_logs'));
    await ended();
    job = async () => ({ facts: {} });
    take(envelope('view_logs', { attempt: 3 }), envelope('view_logs', { attempt: 2 }));
    for (let turn = 0; turn < 100 && outbox.states().length < 4; turn += 1) await Bun.sleep(5);
    expect(outbox.results().map(({ attempt, state }) => `${attempt} ${state}`)).toEqual([
      ...['1 accepted', '1 failed', '3 accepted', '3 succeeded'],
    ]);
  });
});

describe('an order that looks', () => {
  test('is told with what it found, its log before it', async () => {
    job = async () => ({ facts: { lines: 2 }, log: 'one\ntwo' });
    take(envelope('diagnostic'));
    expect(await ended()).toMatchObject({ state: 'succeeded', facts: { lines: 2 } });
    expect(outbox.messages.map(({ kind }) => kind)).toEqual(['result', 'log', 'result']);
    expect(outbox.log()).toBe('one\ntwo');
  });

  test('that fails is told with code and words', async () => {
    job = () =>
      Promise.reject(new BulkheadError('COMMAND_FAILED', 'it ended with 1', { cause: new Error('x') }));
    take(envelope('diagnostic'));
    expect(await ended()).toMatchObject({
      ...{ state: 'failed', code: 'COMMAND_FAILED', message: 'it ended with 1 (because: x)' },
    });
  });

  test('has a log in pieces that belong together, of a long one its end', async () => {
    const long = `${'ä😀'.repeat(LOG_MAX)}the end`;
    job = async () => ({ facts: {}, log: long });
    take(envelope('diagnostic'));
    await ended();
    const text = outbox.log();
    expect(text.endsWith('😀the end')).toBe(true);
    expect(text.length).toBeLessThanOrEqual(LOG_MAX);
    expect(text.isWellFormed()).toBe(true);
    let offset = 0;
    for (const message of outbox.messages) {
      if (message.kind !== 'log') continue;
      expect([message.piece.offset, message.piece.text.isWellFormed()]).toEqual([offset, true]);
      expect(message.piece.text.length).toBeLessThanOrEqual(ORDER_LOG_PIECE_MAX);
      offset += message.piece.text.length;
    }
  });

  test('that takes too long is given up, and what it finds later is told to nobody', async () => {
    let release: (report: JobReport) => void = () => undefined;
    job = () => new Promise((resolve) => (release = resolve));
    take(envelope('diagnostic', { timeout_s: 10 }));
    await Bun.sleep(10);
    now_ms += 10_000;
    runner?.poke();
    expect(outbox.results().at(-1)).toMatchObject({ state: 'failed', code: 'ORDER_DEADLINE' });
    release({ facts: {}, log: 'late' });
    await Bun.sleep(10);
    expect([outbox.states(), outbox.log()]).toEqual([['accepted', 'failed'], '']);
  });

  test('is told as interrupted when the agent stops', async () => {
    job = () => new Promise(() => undefined);
    take(envelope('diagnostic'));
    await Bun.sleep(10);
    await runner?.stop();
    expect(outbox.results().at(-1)).toMatchObject({ state: 'failed', code: 'ORDER_INTERRUPTED' });
  });
});

test('what is written down and told is whole milliseconds, whatever the clock of the coordinator says', () => {
  (runner ?? start()).take([envelope('reboot')], trust(NOW_MS + 0.4));
  expect(outbox.results()).toMatchObject([{ state: 'accepted', observed_at_ms: NOW_MS }]);
  expect(warnings).toEqual([]);
});

test('a clock that is put right by a year lets no time of an order pass', () => {
  sight = { judged: false };
  take(envelope('reboot'));
  set_ms = 365 * 86_400_000;
  runner?.poke();
  expect(outbox.states()).toEqual(['accepted']);
});

test('what could not even be asked for has failed', () => {
  start({
    effects: {
      begin: () => {
        throw new BulkheadError('ORDER_NO_COORDINATOR', 'no');
      },
    },
  });
  take(envelope('update'));
  expect(outbox.results().at(-1)).toMatchObject({ state: 'failed', code: 'ORDER_NO_COORDINATOR' });
  expect(begun).toEqual(['not update']);
});

test('a reboot has succeeded when the agent finds itself in another boot', async () => {
  take(envelope('reboot'));
  expect(outbox.states()).toEqual(['accepted']);
  await runner?.stop();
  sight = { boot_id: 'boot-2' };
  start({ run_id: 'run-2' });
  await Bun.sleep(1);
  expect(outbox.results().at(-1)).toMatchObject({ state: 'succeeded', facts: { boot_id: 'boot-2' } });
  expect(begun).toEqual(['reboot']);
});

describe('the book', () => {
  test('that is damaged is set aside and begun anew', () => {
    writeFileSync(path, 'this is no database, but it is long enough to look at'.repeat(100));
    take(envelope('reboot'));
    expect([begun, book.durable]).toEqual([['reboot'], true]);
    expect(warnings.join()).toContain('set aside');
  });

  test('in a place where nothing can be written is kept in memory, and says so', () => {
    start({ path: join(path, 'not-a-folder', 'orders.db') });
    expect([book.durable, warnings.length]).toEqual([false, 1]);
  });

  test('keeps what may come again, and of the rest the latest', () => {
    start({ path: null });
    const enough = BOOK_KEEP + 20;
    for (let number = 0; number < enough; number += 1) {
      const order = makeOrder('make_coffee', { id: orderId(number), expires_ms: NOW_MS - 3_600_001 });
      book.refuse(order, NOW_MS + number, { code: 'ORDER_TYPE_UNKNOWN', message: 'no' });
      book.tell(order, 'ended');
    }
    book.accept(makeOrder('reboot', { id: orderId(enough) }), NOW_MS + enough);
    expect(book.latest(1_000)).toHaveLength(BOOK_KEEP + 1);
    expect(book.find(makeOrder('reboot', { id: orderId(0) }))).toBeNull();
    for (let number = 0; number < BOOK_MAX - BOOK_KEEP; number += 1)
      book.refuse(makeOrder('x', { id: orderId(10_000 + number) }), NOW_MS, { code: 'X', message: '' });
    expect(() => book.accept(makeOrder('reboot', { id: orderId(99_999) }), NOW_MS)).toThrow(
      expect.objectContaining({ code: 'ORDER_BOOK_FULL' }),
    );
  });

  test('can be read beside the agent that writes it', () => {
    take(envelope('reboot'));
    expect(readBook(path, 10)).toMatchObject([{ type: 'reboot', state: 'started' }]);
    expect(() => readBook(`${path}.none`, 10)).toThrow(
      expect.objectContaining({ code: 'ORDER_BOOK_UNREADABLE' }),
    );
  });
});
