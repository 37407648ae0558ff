import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ORDER_LOG_PIECE_MAX } from '../../../protocol/limits.ts';
import { exampleFingerprint } from '../../../protocol/messages/example-fingerprint.ts';
import type { OrderLogPiece } from '../../../protocol/orders/result.ts';
import { makeFolder } from '../../../test/unit/make-folder.ts';
import type { OutgoingMessage } from '../interfaces.ts';
import { MESSAGE_MAX_BYTES } from '../limits.ts';
import { fitMessage } from './fit.ts';
import { type OutboxOptions, type OutboxQueue, openOutbox } from './outbox.ts';

const ORDER = '019d0000-0000-7000-8000-000000000000';
const state = (hostname: string): OutgoingMessage => ({
  kind: 'state',
  report: {
    ...{ reason: 'state_delta', observed_at_ms: 1, uptime_s: 1 },
    fingerprint: exampleFingerprint({ hostname }),
  },
});
const log = (text: string, offset = 0): OutgoingMessage => ({
  ...{ kind: 'log', order_id: ORDER, piece: { attempt: 1, offset, text } },
});
const result = (message: string, more = {}): OutgoingMessage => ({
  ...{ kind: 'result', order_id: ORDER },
  result: { attempt: 1, state: 'succeeded', observed_at_ms: 1, message, ...more },
});

/** An outbox with its words; closed by the test that wants it open again. */
function open(file: string | null, changed: Partial<OutboxOptions> = {}) {
  const words: string[] = [];
  const outbox = openOutbox({ file, now_ms: () => 1_000, warn: (word) => words.push(word), ...changed });
  return { outbox, words };
}

/** What a body is known by in these tests. */
function nameOf(body: string): string {
  const { fingerprint, text, message } = JSON.parse(body);
  return fingerprint?.hostname ?? text ?? message;
}

/** Takes everything out, as the link does. */
function drain(outbox: OutboxQueue): string[] {
  const found: string[] = [];
  for (let next = outbox.first(); next !== null; next = outbox.first()) {
    found.push(nameOf(next.body));
    outbox.remove(next);
  }
  return found;
}

describe('the outbox', () => {
  test('gives back what was put, in its order, once, also after it was closed and opened', () => {
    const file = join(makeFolder('outbox'), 'outbox.db');
    const first = open(file).outbox;
    for (const message of [state('a'), log('b'), result('c')]) first.put(message);
    expect(nameOf(first.first()?.body ?? '')).toBe('a');
    expect(nameOf(first.first()?.body ?? '')).toBe('a');
    first.close();
    const { outbox, words } = open(file);
    expect(outbox.state()).toMatchObject({ records: 3, oldest_ms: 1_000, memoryOnly: null });
    expect(drain(outbox)).toEqual(['a', 'b', 'c']);
    expect(outbox.first()).toBeNull();
    outbox.put(state('d'));
    expect(drain(outbox)).toEqual(['d']);
    expect(words).toEqual([]);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    outbox.close();
  });

  test('is on the disk when put returns: another reader of a copy finds it', () => {
    const folder = makeFolder('outbox');
    const { outbox } = open(join(folder, 'outbox.db'));
    outbox.put(result('kept'));
    for (const suffix of ['', '-wal'])
      writeFileSync(join(folder, `copy.db${suffix}`), readFileSync(join(folder, `outbox.db${suffix}`)));
    const copy = open(join(folder, 'copy.db')).outbox;
    expect(drain(copy)).toEqual(['kept']);
    copy.close();
    outbox.close();
  });

  test('without a place keeps everything in memory, and says so', () => {
    const { outbox } = open(null);
    outbox.put(result('a'));
    expect(outbox.state().memoryOnly).toContain('no place');
    expect(drain(outbox)).toEqual(['a']);
  });
});

describe('a full outbox', () => {
  test('gives up the oldest pieces of logs, then superseded reports, and never a result; each is counted', () => {
    const { outbox } = open(null, { bounds: { messages: 5, bytes: 1e9 } });
    for (const message of [log('l1'), state('s1'), result('r1'), log('l2'), state('s2')]) outbox.put(message);
    outbox.put(result('r2'));
    expect(outbox.state().dropped).toEqual({ log: 1, state: 0, refused: 0 });
    outbox.put(result('r3'));
    outbox.put(result('r4'));
    expect(outbox.state().dropped).toEqual({ log: 2, state: 1, refused: 0 });
    for (const name of ['r5', 'r6', 'r7']) outbox.put(result(name));
    expect(drain(outbox)).toEqual(['r1', 's2', 'r2', 'r3', 'r4', 'r5', 'r6', 'r7']);
  });

  test('does not take away what is under way', () => {
    const { outbox } = open(null, { bounds: { messages: 2, bytes: 1e9 } });
    outbox.put(log('under way'));
    const held = outbox.first();
    outbox.put(log('next'));
    outbox.put(result('r'));
    expect(held && outbox.first()).toEqual(held);
    expect(drain(outbox)).toEqual(['under way', 'r']);
  });

  test('counts what was given up over restarts', () => {
    const file = join(makeFolder('outbox'), 'outbox.db');
    const { outbox } = open(file, { bounds: { messages: 1, bytes: 1e9 } });
    for (const text of ['a', 'b', 'c']) outbox.put(log(text));
    outbox.close();
    const again = open(file).outbox;
    expect(again.state().dropped.log).toBe(2);
    again.close();
  });

  test('is never fuller than its bounds while anything may be given up', () => {
    const message = fc.oneof(
      fc.record({ kind: fc.constant('log' as const), size: fc.integer({ min: 1, max: 400 }) }),
      fc.record({ kind: fc.constant('state' as const), size: fc.constant(1) }),
      fc.record({ kind: fc.constant('result' as const), size: fc.integer({ min: 1, max: 400 }) }),
    );
    fc.assert(
      fc.property(fc.array(message, { maxLength: 30 }), (list) => {
        const bounds = { messages: 6, bytes: 4_000 };
        const { outbox } = open(null, { bounds });
        for (const [index, { kind, size }] of list.entries())
          outbox.put(
            kind === 'log'
              ? log('x'.repeat(size), index)
              : kind === 'state'
                ? state(`s${index}`)
                : result('r'.repeat(size)),
          );
        const left: string[] = [];
        for (let next = outbox.first(); next !== null; next = outbox.first()) {
          left.push(next.kind);
          outbox.remove(next);
        }
        const results = list.filter(({ kind }) => kind === 'result').length;
        expect(left.filter((kind) => kind === 'result')).toHaveLength(results);
        if (list.some(({ kind }) => kind === 'state')) expect(left).toContain('state');
        if (left.length > bounds.messages)
          expect(left.filter((kind) => kind !== 'result').length).toBeLessThanOrEqual(1);
      }),
      { numRuns: 60 },
    );
  });
});

describe('a damaged outbox', () => {
  test('that is no database is set aside, and a new one begun', () => {
    const folder = makeFolder('outbox');
    const file = join(folder, 'outbox.db');
    writeFileSync(file, 'not a database at all, however long it may be. '.repeat(200));
    const { outbox, words } = open(file);
    expect(words).toEqual([expect.stringMatching(/damaged and was set aside; 0 messages were taken over/)]);
    outbox.put(result('a'));
    expect(outbox.state().memoryOnly).toBeNull();
    outbox.close();
    expect(readFileSync(`${file}.damaged`, 'latin1')).toMatch(/^not a database/);
    const again = open(file);
    expect(drain(again.outbox)).toEqual(['a']);
    expect(again.words).toEqual([]);
    again.outbox.close();
  });

  test('gives back what can still be read of it, and tells how much is lost', () => {
    const file = join(makeFolder('outbox'), 'outbox.db');
    const first = open(file).outbox;
    for (let index = 0; index < 200; index += 1) first.put(result(`${index} ${'x'.repeat(200)}`));
    first.close();
    const bytes = readFileSync(file);
    // A page in the second half, where the later messages are.
    bytes.fill(0xff, bytes.length - 5 * 4096, bytes.length - 4 * 4096);
    writeFileSync(file, bytes);
    const { outbox, words } = open(file);
    expect(words).toEqual([
      expect.stringMatching(/set aside; [1-9]\d+ messages were taken over, others are lost/),
    ]);
    const left = drain(outbox).map((name) => Number(name.split(' ')[0]));
    expect(left.length).toBeGreaterThan(20);
    expect(left).toEqual(left.map((_, index) => index));
    expect(existsSync(`${file}.damaged`)).toBe(true);
    outbox.close();
  });

  test('in the middle of work is set aside, and what comes later goes its way; nothing throws', () => {
    const folder = makeFolder('outbox');
    const file = join(folder, 'outbox.db');
    const { outbox, words } = open(file);
    // More than SQLite has in memory, so that it has to read again what is overwritten here.
    for (let index = 0; index < 100; index += 1) outbox.put(result(`${index} ${'x'.repeat(50_000)}`));
    for (const name of readdirSync(folder))
      writeFileSync(join(folder, name), new Uint8Array(statSync(join(folder, name)).size).fill(0xff));
    expect(drain(outbox).length).toBeLessThan(100);
    for (let index = 0; index < 20; index += 1) outbox.put(result(`later ${index}`));
    expect(drain(outbox)).toEqual(Array.from({ length: 20 }, (_, index) => `later ${index}`));
    expect(words[0]).toContain('was set aside');
    outbox.close();
  });
});

test('an outbox that another process holds is not opened twice: this one goes on in memory', () => {
  const file = join(makeFolder('outbox'), 'outbox.db');
  const { outbox: first } = open(file);
  const { outbox: second, words } = open(file);
  second.put(result('mine'));
  expect(second.state().memoryOnly).toMatch(/locked/);
  expect(words).toEqual([expect.stringMatching(/goes on in memory/)]);
  expect(drain(first)).toEqual([]);
  first.close();
});

test('a disk that takes no more is no reason to stop: what waits goes on in memory, whole and in order', async () => {
  const file = join(makeFolder('outbox'), 'outbox.db');
  const module = new URL('./outbox.ts', import.meta.url).href;
  const program = `
    const { openOutbox } = await import(${JSON.stringify(module)});
    const words = [];
    const outbox = openOutbox({ file: ${JSON.stringify(file)}, now_ms: Date.now, warn: (word) => words.push(word) });
    const result = { attempt: 1, state: 'succeeded', observed_at_ms: 1 };
    for (let index = 0; index < 60; index += 1)
      outbox.put({ kind: 'result', order_id: ${JSON.stringify(ORDER)}, result: { ...result, message: index + 'y'.repeat(4000) } });
    const { records, memoryOnly } = outbox.state();
    const order = [];
    for (let next = outbox.first(); next !== null; next = outbox.first()) {
      order.push(Number.parseInt(JSON.parse(next.body).message));
      outbox.remove(next);
    }
    console.log(JSON.stringify({ records, memoryOnly, order, words }));`;
  // Files may have 100 blocks of 1 KiB; the signal that says so is passed over, so that writing fails as on a full disk.
  const shell = `trap '' XFSZ; ulimit -f 100; exec "$0" -e "$1"`;
  const child = Bun.spawn(['bash', '-c', shell, process.execPath, program], {
    stdout: 'pipe',
    stderr: 'pipe',
  });
  const said = JSON.parse(await new Response(child.stdout).text());
  expect(said).toMatchObject({ records: 60, order: Array.from({ length: 60 }, (_, index) => index) });
  expect(said.memoryOnly).toContain('lost with a restart');
  expect(said.words).toEqual([expect.stringMatching(/goes on in memory/)]);
});

describe('what is too large for one request', () => {
  const piecesOf = (text: string, offset = 0) =>
    fitMessage(log(text, offset)).map(({ body }) => JSON.parse(body) as OrderLogPiece);

  test('of a log is cut where it does not tear a character, and is whole again at the other side', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('a', 'ä', '⛵', '🚢', '\u0000', '\n', '"'), { minLength: 1, maxLength: 50 }),
        fc.integer({ min: 1, max: 3_000 }),
        (letters, times) => {
          const text = letters.join('').repeat(times);
          const pieces = piecesOf(text, 7);
          let at = 7;
          for (const piece of pieces) {
            expect(piece.offset).toBe(at);
            expect(piece.text.length).toBeLessThanOrEqual(ORDER_LOG_PIECE_MAX);
            expect(Buffer.byteLength(JSON.stringify(piece))).toBeLessThanOrEqual(MESSAGE_MAX_BYTES);
            expect(piece.text.isWellFormed()).toBe(true);
            at += piece.text.length;
          }
          expect(pieces.map((piece) => piece.text).join('') === text).toBe(true);
        },
      ),
      { numRuns: 60 },
    );
    expect(piecesOf('')).toEqual([]);
  });

  test('of a result leaves its facts behind and says how much that was', () => {
    const [body = ''] = fitMessage(result('m', { facts: { list: 'x'.repeat(100_000) } })).map(
      (one) => one.body,
    );
    expect(JSON.parse(body)).toMatchObject({ message: 'm', state: 'succeeded' });
    expect(JSON.parse(body).facts.left_out_bytes).toBeGreaterThan(100_000);
  });
});
