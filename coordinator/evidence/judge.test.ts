import { expect, test } from 'vitest';
import type { Checkpoint } from '../../protocol/evidence/statements.ts';
import { judgeCheckpoint, type KnownChain } from './judge.ts';

const [a, b] = ['a'.repeat(64), 'b'.repeat(64)];
const [CHAIN, BEFORE] = ['1'.repeat(32), '2'.repeat(32)];
const at = '2026-11-21T20:30:00.000Z';
const checkpoint = (changed: Partial<Checkpoint>): Checkpoint => ({
  ...{ at, chain: CHAIN, format: 1, hash: a, previous: null, seq: 10, succeeds: null },
  ...changed,
});
const known = (hashes: Record<number, string>, trouble: string | null = null): KnownChain => {
  const seqs = Object.keys(hashes).map(Number);
  const seq = Math.max(...seqs);
  const last = seqs.length === 0 ? null : { seq, hash: hashes[seq] ?? '' };
  return { last, hashOf: (asked) => hashes[asked], trouble };
};
const NEW = known({});

test.each([
  ['the first of the first chain', checkpoint({}), NEW, null, 'new'],
  [
    'one that goes on',
    checkpoint({ seq: 20, previous: { seq: 10, hash: a } }),
    known({ 10: a }),
    null,
    'new',
  ],
  ['one whose answer was lost', checkpoint({}), known({ 10: a }), null, 'again'],
  [
    'one behind such',
    checkpoint({ seq: 30, previous: { seq: 10, hash: a } }),
    known({ 10: a, 20: b }),
    null,
    'new',
  ],
  ['another record of the same number', checkpoint({ hash: b }), known({ 10: a }), null, 'contradiction'],
  ['one that has gone back', checkpoint({ seq: 5 }), known({ 10: a }), null, 'contradiction'],
  [
    'one that follows another record',
    checkpoint({ seq: 20, previous: { seq: 10, hash: b } }),
    known({ 10: a }),
    null,
    'contradiction',
  ],
  [
    'any of a chain that is forked',
    checkpoint({ seq: 20 }),
    known({ 10: a }, 'forked'),
    null,
    'contradiction',
  ],
  [
    'a new chain behind the end of the one before',
    checkpoint({ succeeds: { chain: BEFORE, seq: 12, hash: b } }),
    NEW,
    { chain: BEFORE, seq: 9, hash: a },
    'new',
  ],
  [
    'a new chain at the very record',
    checkpoint({ succeeds: { chain: BEFORE, seq: 9, hash: a } }),
    NEW,
    { chain: BEFORE, seq: 9, hash: a },
    'new',
  ],
  [
    'a new chain at another record',
    checkpoint({ succeeds: { chain: BEFORE, seq: 9, hash: b } }),
    NEW,
    { chain: BEFORE, seq: 9, hash: a },
    'contradiction',
  ],
  [
    'a new chain that leaves out the end',
    checkpoint({ succeeds: { chain: BEFORE, seq: 8, hash: b } }),
    NEW,
    { chain: BEFORE, seq: 9, hash: a },
    'contradiction',
  ],
  ['a new chain without a word', checkpoint({}), NEW, { chain: BEFORE, seq: 9, hash: a }, 'contradiction'],
] as const)('%s', (_, message, chain, earlier, take) => {
  expect(judgeCheckpoint(message, chain, earlier).take).toBe(take);
});
