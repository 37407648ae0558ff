import { describe, expect, test } from 'vitest';
import type { Verdict } from '../../../health-gate/verdict-schema.ts';
import { armTrial, commitBoot } from '../../../partitions/boot-machine-linux.ts';
import { type BootState, initialState } from '../../../partitions/boot-state.ts';
import type { PastUpdate, PendingUpdate } from '../../../updater/state/records.ts';
import type { DataCheck } from './data-checks.ts';
import type { DataFacts } from './data-facts.ts';
import { judgeStory } from './data-story.ts';
import type { Place, Prefix } from './power-judge.ts';

const ACTIVE_A = commitBoot(initialState('A'), 'A');
const ARMED = armTrial(ACTIVE_A, 'B', 'A');
const COUNTED: BootState = { ...ARMED, attempts: 1 };
const COMMITTED = commitBoot(COUNTED, 'B');
const HASH = 'a'.repeat(64);
const MIB_BYTES = 1024 * 1024;

const PENDING: PendingUpdate = {
  ...{ format: 1, version: '1.1.0', slot: 'B', root_hash: HASH, bundle: HASH, method: 'full' },
  from: { slot: 'A', version: '1.0.0', root_hash: HASH },
  ...{ fetched_bytes: 1, written_at: '2026-01-01T00:00:00Z', reboot: 'now', rollback: false },
};
const ENDED: PastUpdate = {
  ...{ at: '2026-01-01T00:01:00Z', outcome: 'succeeded', version: '1.1.0', from_version: '1.0.0' },
  ...{ slot: 'B', root_hash: HASH, method: 'full', fetched_bytes: 1, reason: 'fine', console_tail: [] },
};
const verdictOn = (slot: 'A' | 'B', id: string): Verdict => ({
  ...{ id, bootId: id, at: '2026-01-01T00:00:00Z', slot, version: '1.1.0', attempt: 1 },
  ...{ outcome: 'healthy', action: 'commit', reason: 'fine', checks: [] },
});
const transferAt = (...positions_bytes: number[]): DataFacts['transfer'] => ({
  head: { format: 1, bundle: HASH, method: 'full', slot: 'B' },
  firstBlock: new Uint8Array(4096),
  checkpoints: positions_bytes.map((position_bytes, at) => ({
    ...{ pieces: at + 1, position_bytes, rest: new Uint8Array(), leaves_sha256: HASH },
  })),
});

const QUIET: DataFacts = {
  ...{
    fsck: 1,
    words: '',
    repaired: 'no',
    pending: undefined,
    transfer: undefined,
    transferFile: 'missing',
  },
  ...{ history: [], verdicts: [verdictOn('A', 'first')], identity: { 'machine-id': HASH }, damaged: [] },
};

interface Step {
  place?: Place;
  state?: BootState;
  complete?: string;
  written_bytes?: number;
  data?: Partial<DataFacts>;
  /** A check of this state with losses instead of the state itself. */
  lost?: string;
}

/** A log told by its steps: a write each, with a flush behind it unless the next one says otherwise. */
function faultsOf(steps: readonly (Step | 'flush')[]): string[] {
  const prefixes: Prefix[] = [];
  const checks: DataCheck[] = [{ number: -1, lost: '', flush: -1, facts: QUIET }];
  let now: Required<Pick<Step, 'state' | 'written_bytes'>> & Pick<Step, 'complete'> = {
    state: ACTIVE_A,
    written_bytes: 0,
  };
  let facts = QUIET;
  let flush = -1;
  for (const [number, step] of steps.entries()) {
    const size_bytes = step === 'flush' ? 0 : 512;
    if (step === 'flush') flush = number;
    else {
      now = { ...now, ...step };
      facts = { ...facts, ...step.data };
    }
    const place = step === 'flush' ? null : (step.place ?? (step.state ? 'state' : 'data'));
    const kind = step === 'flush' ? 'flush' : 'write';
    prefixes.push({
      ...{ number, place, flush, state: now.state, torn: 0, subsets: 0 },
      entry: {
        number,
        kind,
        flushesBefore: step === 'flush',
        fua: false,
        offset_bytes: 0,
        size_bytes,
        data_at_bytes: 0,
      },
      slots: {
        A: { whole: true, complete: 'running' },
        B: { whole: now.complete !== undefined, complete: now.complete },
      },
      written_bytes: { A: [0], B: [now.written_bytes] },
    });
    if (step !== 'flush' && step.data) checks.push({ number, lost: step.lost ?? '', flush, facts });
  }
  return judgeStory(checks, { prefixes }).map(({ what }) => what);
}

const transferred: (Step | 'flush')[] = [
  { state: ACTIVE_A },
  'flush',
  { place: 'slot-b', written_bytes: 2 * MIB_BYTES },
  'flush',
  { data: { transfer: transferAt(2 * MIB_BYTES), transferFile: 'there' } },
  'flush',
  { place: 'slot-b', written_bytes: 200 * MIB_BYTES, complete: 'new' },
  'flush',
  { data: { transfer: undefined, transferFile: 'missing' } },
  'flush',
];
const pending: (Step | 'flush')[] = [{ data: { pending: PENDING } }, 'flush'];
const armed: (Step | 'flush')[] = [{ state: ARMED }, 'flush', { state: COUNTED }];
const judged: (Step | 'flush')[] = [
  { data: { verdicts: [...QUIET.verdicts, verdictOn('B', 'second')] } },
  'flush',
];
const committed: (Step | 'flush')[] = [{ state: COMMITTED }, 'flush'];
const concluded: (Step | 'flush')[] = [
  { data: { history: [ENDED] } },
  'flush',
  { data: { pending: undefined } },
  'flush',
];

test('an update in the right order has no fault', () => {
  expect(faultsOf([...transferred, ...pending, ...armed, ...judged, ...committed, ...concluded])).toEqual([]);
});

describe('a planted fault is found:', () => {
  test('the slot is armed before the record of the update is written', () => {
    expect(faultsOf([...transferred, ...armed, ...pending])).toEqual([
      'slot B is on trial without a record of the update',
    ]);
  });

  test('the record is written but not flushed before the slot is armed', () => {
    expect(faultsOf([...transferred, ...pending.slice(0, 1), ...armed])).toEqual([
      'slot B is on trial without a record of the update',
    ]);
  });

  test('the boot is committed before the verdict is on the medium', () => {
    const faults = faultsOf([...transferred, ...pending, ...armed, ...judged.slice(0, 1), ...committed]);
    expect(faults).toEqual(['slot B is committed without a verdict on it']);
  });

  test('the record goes before the history is written', () => {
    const gone: Step = { data: { pending: undefined } };
    const faults = faultsOf([
      ...transferred,
      ...pending,
      ...armed,
      ...judged,
      ...committed,
      gone,
      { data: { history: [ENDED] } },
    ]);
    expect(faults).toEqual(['the record of the update is gone, and the history says nothing of it']);
  });

  test('the record goes while the slot is on trial', () => {
    expect(faultsOf([...transferred, ...pending, ...armed, { data: { pending: undefined } }])).toEqual([
      'slot B is on trial, and the record of the update is gone',
    ]);
  });

  test.each([
    ['emptied while the transfer goes on', { transfer: undefined, transferFile: 'there' as const }],
    ['removed while the transfer goes on', { transfer: undefined, transferFile: 'missing' as const }],
  ])('the journal of the transfer is %s', (_, data) => {
    const faults = faultsOf([...transferred.slice(0, 6), { data }]);
    expect(faults).toEqual(['1 of 1 checkpoints of the transfer are gone, and the slot is not whole']);
  });

  test.each([
    ['a verdict is gone that was in the journal', { verdicts: [] }],
    ['the identity is another', { identity: { 'machine-id': 'b'.repeat(64) } }],
    ['half a file is left: update/pending.json: x', { damaged: ['update/pending.json: x'] }],
    ['the data file system does not recover: bad', { fsck: 4, words: 'bad' }],
    ['the data file system does not recover: guessed', { repaired: 'guessed' as const, words: 'guessed' }],
  ])('%s', (what, data) => {
    expect(faultsOf([{ data }])).toEqual([what]);
  });

  test('a line of the history is gone', () => {
    expect(faultsOf([{ data: { history: [ENDED] } }, 'flush', { data: { history: [] } }])).toContain(
      'a line of the history is gone',
    );
  });
});

test('a torn superblock is no fault, because its copy has everything', () => {
  expect(faultsOf([{ data: { repaired: 'superblock', words: 'torn' } }])).toEqual([]);
});

test('what was not flushed may be lost, what was flushed may not', () => {
  const line: Step = { data: { verdicts: [...QUIET.verdicts, verdictOn('B', 'second')] } };
  const without: Step = { data: { verdicts: QUIET.verdicts }, lost: 'the last write' };
  expect(faultsOf([line, without])).toEqual([]);
  expect(faultsOf([line, 'flush', without])).toEqual([
    'the last write lost: a verdict is gone that was in the journal',
  ]);
});
