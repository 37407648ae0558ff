import { appendFileSync, rmSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { HISTORY_KEEP } from '../../updater/limits.ts';
import { appendHistory } from '../../updater/state/history.ts';
import type { PastUpdate } from '../../updater/state/records.ts';
import { type FactTree, makeFactTree } from './fact-tree.ts';
import { JOURNAL_LINE_MAX_BYTES, UPDATES_SHOWN } from './limits.ts';
import { UpdateHistory } from './update-history.ts';

let tree: FactTree;
let path: string;
let history: UpdateHistory;
beforeEach(() => {
  tree = makeFactTree();
  path = tree.context.paths.updateHistoryFile;
  history = new UpdateHistory(path);
});
afterEach(() => tree.remove());

const entry = (number: number, outcome: PastUpdate['outcome'] = 'succeeded'): PastUpdate => ({
  at: new Date(Date.UTC(2026, 0, 1, 0, number)).toISOString(),
  outcome,
  version: `1.${number}.0`,
  from_version: '1.0.0',
  slot: 'B',
  root_hash: null,
  method: 'delta',
  fetched_bytes: 1,
  reason: 'ß'.repeat(number % 7),
  console_tail: [],
});
const versions = () => history.read().latest.map(({ version }) => version);
const line = (given: unknown) => `${JSON.stringify(given)}\n`;

test('is empty where nothing was ever updated', () => {
  expect(history.read()).toMatchObject({ latest: [], ended: { failed: { count: 0, lastAt: null } } });
});

test('is read as the updater writes it, latest first, and again when it has grown', () => {
  appendHistory(path, entry(1));
  expect(versions()).toEqual(['1.1.0']);
  appendHistory(path, entry(2, 'failed'));
  expect(versions()).toEqual(['1.2.0', '1.1.0']);
  expect(history.read().ended).toEqual({
    succeeded: { count: 1, lastAt: entry(1).at },
    rolled_back: { count: 0, lastAt: null },
    cancelled: { count: 0, lastAt: null },
    failed: { count: 1, lastAt: entry(2).at },
  });
});

test('counts everything and shows the latest, however much there is', () => {
  for (let number = 0; number < 150; number += 1) {
    appendHistory(path, entry(number, number % 10 === 0 ? 'rolled_back' : 'succeeded'));
    if (number % 13 === 0) history.read();
  }
  expect(versions()).toHaveLength(UPDATES_SHOWN);
  expect(versions()[0]).toBe('1.149.0');
  expect(history.read().ended).toMatchObject({
    succeeded: { count: 135 },
    rolled_back: { count: 15, lastAt: entry(140).at },
  });
  // Who comes later, and reads all of it at once, sees the same.
  expect(new UpdateHistory(path).read()).toEqual(history.read());
});

test('begins anew when the updater drops the oldest entries', () => {
  const many = Array.from({ length: 2 * HISTORY_KEEP }, (_, number) => line(entry(number)));
  tree.write('data/update/history.jsonl', many.join(''));
  expect(history.read().ended.succeeded.count).toBe(2 * HISTORY_KEEP);
  appendHistory(path, entry(9_999, 'failed'));
  expect(versions()[0]).toBe('1.9999.0');
  expect(history.read().ended).toMatchObject({ succeeded: { count: HISTORY_KEEP }, failed: { count: 1 } });
});

test('loses only the line that a power cut tore, and waits for one that is being written', () => {
  appendHistory(path, entry(1));
  appendFileSync(path, JSON.stringify(entry(2)).slice(0, 40));
  expect(versions()).toEqual(['1.1.0']);
  appendHistory(path, entry(3));
  expect(versions()).toEqual(['1.3.0', '1.1.0']);
});

test('passes over what is no entry and what is too long to be one, also across what is read at once', () => {
  const padded = { ...entry(2), console_tail: Array<string>(120).fill('x'.repeat(700)) };
  const huge = { ...entry(3), reason: 'x'.repeat(JOURNAL_LINE_MAX_BYTES) };
  tree.write(
    'data/update/history.jsonl',
    `${line(entry(1))}not json\n${line({ at: 'yes' })}${line(padded)}${line(huge)}${line(entry(4))}`,
  );
  expect(versions()).toEqual(['1.4.0', '1.2.0', '1.1.0']);
});

test('is gone when the data partition is', () => {
  appendHistory(path, entry(1));
  expect(versions()).toHaveLength(1);
  rmSync(path);
  expect(versions()).toEqual([]);
});

test('is not read again while nothing was written', () => {
  appendHistory(path, entry(1));
  expect(history.read()).toBe(history.read());
});
