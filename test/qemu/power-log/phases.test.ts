import { expect, test } from 'vitest';
import { armTrial, commitBoot, discardSlot } from '../../../partitions/boot-machine-linux.ts';
import { type BootState, initialState } from '../../../partitions/boot-state.ts';
import { chooseCuts } from './chosen-cuts.ts';
import type { DataCheck } from './data-checks.ts';
import type { DataFacts } from './data-facts.ts';
import type { KnownRelease } from './known-release.ts';
import { countByPhase, phasesOf } from './phases.ts';
import type { Place, Prefix } from './power-judge.ts';

const GOOD: BootState = { ...commitBoot(initialState('A'), 'A'), good: { A: true, B: true } };
const DISCARDED = discardSlot(GOOD, 'B', 'A');
const ARMED = armTrial(DISCARDED, 'B', 'A');
const COUNTED: BootState = { ...ARMED, attempts: 1 };
const QUIET = {
  pending: undefined,
  transfer: undefined,
  transferFile: 'missing',
  history: [],
  verdicts: [],
} as const;
const RELEASE = { name: 'new', data_bytes: 1000, blob_bytes: 1200 } as KnownRelease;

interface Step {
  place?: Place;
  size_bytes?: number;
  state?: BootState;
  written_bytes?: number;
  complete?: string;
  whole?: boolean;
  data?: object;
}

/** What a log leaves step by step; a step without anything is a flush. */
function told(steps: readonly Step[]) {
  const checks: DataCheck[] = [{ number: -1, lost: '', flush: -1, facts: QUIET as unknown as DataFacts }];
  let now: Step = { state: GOOD, written_bytes: 0, whole: true };
  let facts: object = QUIET;
  let flush = -1;
  const prefixes = steps.map((step, number): Prefix => {
    const isFlush = Object.keys(step).length === 0;
    if (isFlush) flush = number;
    now = { ...now, ...step };
    facts = { ...facts, ...step.data };
    if (step.data) checks.push({ number, lost: '', flush, facts: facts as DataFacts });
    const { size_bytes = 512 } = step;
    const entry = { number, flushesBefore: isFlush, fua: false, offset_bytes: 0, data_at_bytes: 0 };
    return {
      ...{ number, flush, state: now.state, torn: 1, subsets: 2 },
      place: isFlush ? null : (step.place ?? (step.data ? 'data' : 'state')),
      entry: { ...entry, kind: isFlush ? 'flush' : 'write', size_bytes: isFlush ? 0 : size_bytes },
      slots: {
        A: { whole: true, complete: 'running' },
        B: { whole: now.whole ?? false, complete: now.complete },
      },
      written_bytes: { A: [0], B: [now.written_bytes ?? 0] },
    };
  });
  return {
    prefixes,
    checks,
    phases: phasesOf({ prefixes, checks, target: 'B', releases: [RELEASE], release: 'new' }),
  };
}

const UPDATE: Step[] = [
  {},
  { state: DISCARDED },
  {},
  { place: 'slot-b', size_bytes: 4096, whole: false },
  {},
  { place: 'slot-b', size_bytes: 8192, written_bytes: 400 },
  {},
  { data: { transfer: { checkpoints: [{}] }, transferFile: 'there' } },
  {},
  { place: 'slot-b', size_bytes: 8192, written_bytes: 700 },
  { place: 'slot-b', size_bytes: 8192, written_bytes: 1000 },
  { place: 'slot-b', size_bytes: 8192, written_bytes: 1200 },
  {},
  { place: 'slot-b', size_bytes: 4096, whole: true, complete: 'new' },
  {},
  { data: { transfer: undefined, transferFile: 'missing' } },
  { data: { pending: { slot: 'B' } } },
  {},
  { state: ARMED },
  {},
  { state: COUNTED },
  { data: { verdicts: [{ slot: 'B' }] } },
  {},
  { state: commitBoot(COUNTED, 'B') },
  {},
  { data: { history: [{}] } },
  { data: { pending: undefined } },
];

test('each phase begins with the write that makes it true', () => {
  const { phases, prefixes } = told(UPDATE);
  expect(phases.map(({ name, first }) => `${first} ${name}`)).toEqual([
    '0 before the update',
    '1 slot no longer good',
    '3 header cleared',
    '5 first data',
    '7 first checkpoint',
    '9 half of the data',
    '10 all data',
    '11 tree and footer',
    '13 slot complete',
    '15 transfer journal gone',
    '16 pending record',
    '18 armed',
    '20 trial counted',
    '21 verdict recorded',
    '23 committed',
    '25 history written',
    '26 pending record gone',
  ]);
  const counted = countByPhase(phases, prefixes);
  expect(counted.reduce((sum, phase) => sum + phase.prefixes, 0)).toBe(UPDATE.length);
  expect(counted[0]).toEqual({ name: 'before the update', first: 0, prefixes: 1, torn: 1, subsets: 2 });
});

test('a phase that comes in the wrong order is missing, and so is what comes after it', () => {
  const early = UPDATE.toSpliced(16, 1);
  expect(told(early).phases.at(-1)?.name).toBe('transfer journal gone');
});

test('cuts go along every boundary, none twice, and some lose what was not flushed', () => {
  const { phases, prefixes } = told(UPDATE);
  const cuts = chooseCuts(phases, prefixes);
  const numbers = cuts.map(({ number }) => number);
  expect(numbers).toEqual(numbers.toSorted((one, other) => one - other));
  const named = (name: string) => cuts.find((cut) => cut.name === name);
  expect(named('armed')).toEqual({ name: 'armed', number: 18, disk: 'kept' });
  // Between the record and the arming there is only a flush: one disk, booted once.
  expect(named('before: armed')).toBeUndefined();
  expect(named('half of the data, torn')).toMatchObject({ number: 9, disk: 'torn' });
  expect(named('after: half of the data, all lost')).toMatchObject({ number: 11, disk: 'lost' });
  expect(cuts.at(-1)).toEqual({ name: 'the end', number: 26, disk: 'kept' });
});
