import { appendFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { appendVerdict } from '../../health-gate/verdict-journal.ts';
import type { Verdict } from '../../health-gate/verdict-schema.ts';
import { type FactTree, makeFactTree } from './fact-tree.ts';
import { JOURNAL_TAIL_BYTES, VERDICTS_SHOWN } from './limits.ts';
import { describeHealth, JournalTail, readVerdict } from './verdicts.ts';

const verdict = (bootId: string, number: number, outcome: Verdict['outcome'] = 'healthy'): Verdict => ({
  id: `${bootId}-${number}`,
  bootId,
  at: '2026-11-21T12:00:00.000Z',
  slot: 'A',
  version: '1.0.0',
  attempt: 1,
  outcome,
  action: 'commit',
  reason: 'all decisive checks passed',
  checks: [{ name: 'data-partition', decisive: true, outcome: 'pass', message: 'mounted', duration_ms: 2 }],
});

describe('the health of this boot', () => {
  test('is pending until the gate has judged this very boot', () => {
    expect(describeHealth('now', null, []).outcome).toBe('pending');
    expect(describeHealth('now', verdict('before', 1), [verdict('before', 1)])).toMatchObject({
      outcome: 'pending',
      verdicts: [{ id: 'before-1' }],
    });
  });

  test('is the verdict on this boot', () => {
    expect(describeHealth('now', verdict('now', 1, 'unhealthy'), []).outcome).toBe('unhealthy');
    expect(describeHealth('now', verdict('now', 2), [verdict('now', 1, 'unhealthy')]).outcome).toBe(
      'healthy',
    );
  });

  test('shows the latest verdicts first, and this one also where no journal could be written', () => {
    const journal = [verdict('before', 1), verdict('now', 1)];
    expect(describeHealth('now', verdict('now', 1), journal).verdicts.map(({ id }) => id)).toEqual([
      'now-1',
      'before-1',
    ]);
    expect(describeHealth('now', verdict('now', 1), []).verdicts.map(({ id }) => id)).toEqual(['now-1']);
  });

  test('shows a bounded number', () => {
    const journal = Array.from({ length: 50 }, (_, index) => verdict('before', index));
    expect(describeHealth('now', verdict('now', 1), journal).verdicts).toHaveLength(VERDICTS_SHOWN);
  });
});

describe('the journal', () => {
  let tree: FactTree;
  let path: string;
  beforeEach(() => {
    tree = makeFactTree();
    path = `${tree.root}/data/health/verdicts.jsonl`;
  });
  afterEach(() => tree.remove());

  test('is read as the gate writes it, and again when it has grown', async () => {
    const tail = new JournalTail(path);
    expect(tail.read()).toEqual([]);
    await appendVerdict(path, verdict('a', 1));
    expect(tail.read().map(({ id }) => id)).toEqual(['a-1']);
    await appendVerdict(path, verdict('b', 1));
    expect(tail.read().map(({ id }) => id)).toEqual(['a-1', 'b-1']);
  });

  test('loses only the line that a power cut tore', async () => {
    await appendVerdict(path, verdict('a', 1));
    appendFileSync(path, '{"id":"torn","bootI');
    await appendVerdict(path, verdict('b', 1));
    expect(new JournalTail(path).read().map(({ id }) => id)).toEqual(['a-1', 'b-1']);
  });

  test('is read from its end only, whole lines of it', () => {
    const line = `${JSON.stringify(verdict('old', 1))}\n`;
    tree.write('data/health/verdicts.jsonl', line.repeat(Math.ceil((3 * JOURNAL_TAIL_BYTES) / line.length)));
    appendFileSync(path, `${JSON.stringify(verdict('new', 1))}\n`);
    const found = new JournalTail(path).read();
    expect(found).toHaveLength(VERDICTS_SHOWN);
    expect(found.at(-1)?.id).toBe('new-1');
  });

  test('is no verdict when it holds something else', () => {
    tree.write('run/bulkhead/health.json', '{"outcome":"healthy"}');
    expect(readVerdict(`${tree.root}/run/bulkhead/health.json`)).toBeNull();
  });
});
