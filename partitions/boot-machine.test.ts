import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { allStates } from '../test/qemu/grub-table.ts';
import { type BootConditions, selectBoot } from './boot-machine.ts';
import { armTrial, commitBoot, discardSlot, recoveredState, rollBack } from './boot-machine-linux.ts';
import { type BootState, initialState } from './boot-state.ts';
import { otherSlot, SLOTS, type Slot } from './slot.ts';

const ALL_WHOLE: BootConditions = { canSave: true, whole: { A: true, B: true } };

function state(change: Partial<BootState> = {}): BootState {
  return { active: 'A', trial: null, attempts: 0, good: { A: true, B: true }, failed: null, ...change };
}

const everyWholeness = [
  { A: false, B: false },
  { A: false, B: true },
  { A: true, B: false },
  { A: true, B: true },
];

describe('one row at a time', () => {
  const rows: [string, BootState | undefined, Partial<BootConditions>, object][] = [
    [
      'a trial is counted and started',
      state({ trial: 'B', attempts: 1 }),
      {},
      { slot: 'B', mode: 'trial', attempt: 2, next: state({ trial: 'B', attempts: 2 }) },
    ],
    [
      'a trial that had its three boots is given up',
      state({ trial: 'B', attempts: 3 }),
      {},
      {
        slot: 'A',
        mode: 'normal',
        attempt: 1,
        next: state({ attempts: 1, good: { A: true, B: false }, failed: 'B' }),
      },
    ],
    [
      'a trial that is not whole is given up unseen',
      state({ trial: 'B' }),
      { whole: { A: true, B: false } },
      { slot: 'A', mode: 'normal', attempt: 1, reason: 'trial-not-whole' },
    ],
    [
      'a trial that cannot be counted is not started',
      state({ trial: 'B' }),
      { canSave: false },
      { slot: 'A', mode: 'normal', attempt: 0, next: undefined },
    ],
    [
      'the active slot is counted too',
      state({ attempts: 2 }),
      {},
      { slot: 'A', mode: 'normal', attempt: 3, next: state({ attempts: 3 }) },
    ],
    [
      'after three boots without a verdict the other good slot takes over',
      state({ attempts: 3 }),
      {},
      {
        slot: 'B',
        mode: 'normal',
        attempt: 1,
        next: state({ active: 'B', attempts: 1, good: { A: false, B: true }, failed: 'A' }),
      },
    ],
    [
      'without another good slot the rescue ring begins',
      state({ attempts: 3, good: { A: true, B: false } }),
      {},
      { slot: 'A', mode: 'rescue', attempt: 4 },
    ],
    [
      'the ring goes on with the other slot',
      state({ attempts: 4 }),
      {},
      { slot: 'B', mode: 'rescue', attempt: 5 },
    ],
    ['and comes back', state({ attempts: 5 }), {}, { slot: 'A', mode: 'rescue', attempt: 4 }],
    [
      'the ring leaves out a slot that is not whole',
      state({ attempts: 4 }),
      { whole: { A: true, B: false } },
      { slot: 'A', mode: 'rescue', attempt: 5 },
    ],
    [
      'an active slot that is not whole gives way to a good one',
      state(),
      { whole: { A: false, B: true } },
      {
        slot: 'B',
        mode: 'normal',
        attempt: 1,
        next: state({ active: 'B', attempts: 1, good: { A: false, B: true }, failed: 'A' }),
      },
    ],
    [
      'and to one that never passed, but in rescue',
      state({ good: { A: true, B: false } }),
      { whole: { A: false, B: true } },
      { slot: 'B', mode: 'rescue', attempt: 4 },
    ],
    [
      'with neither whole the active one is tried',
      state(),
      { whole: { A: false, B: false } },
      { slot: 'A', mode: 'rescue', attempt: 4 },
    ],
    [
      'then the other',
      state({ attempts: 4 }),
      { whole: { A: false, B: false } },
      { slot: 'B', mode: 'rescue', attempt: 5 },
    ],
    [
      'without a state the first whole slot boots',
      undefined,
      {},
      { slot: 'A', mode: 'normal', attempt: 0, next: undefined },
    ],
    ['or the one whose turn it is', undefined, { turn: 'B' }, { slot: 'B', mode: 'normal', attempt: 0 }],
    [
      'if it is whole',
      undefined,
      { turn: 'B', whole: { A: true, B: false } },
      { slot: 'A', mode: 'normal', attempt: 0 },
    ],
  ];
  test.each(rows)('%s', (_name, before, conditions, expected) => {
    expect(selectBoot(before, { ...ALL_WHOLE, ...conditions })).toMatchObject(expected);
  });
});

describe('in every state there is', () => {
  test('a whole slot boots if one is whole', () => {
    for (const before of [undefined, ...allStates()])
      for (const whole of everyWholeness)
        for (const canSave of [false, true])
          for (const turn of SLOTS) {
            const { slot } = selectBoot(before, { canSave, whole, turn });
            if (whole.A || whole.B) expect(whole[slot]).toBe(true);
          }
  });

  test('GRUB may take a slot for whole until it has looked: the choice depends on no other', () => {
    for (const before of [undefined, ...allStates()])
      for (const whole of everyWholeness)
        for (const canSave of [false, true]) {
          const known = { A: true, B: true };
          let choice = selectBoot(before, { canSave, whole: known });
          for (let looks = 0; looks < 2 && known[choice.slot] && !whole[choice.slot]; looks += 1) {
            known[choice.slot] = false;
            choice = selectBoot(before, { canSave, whole: known });
          }
          expect(choice).toEqual(selectBoot(before, { canSave, whole }));
        }
  });

  test('the one slot that works is reached within five boots', () => {
    let longest = 0;
    for (const before of allStates())
      for (const works of SLOTS)
        for (const brokenIsWhole of [false, true]) {
          const whole = { A: true, B: true, [otherSlot(works)]: brokenIsWhole };
          let current = before;
          for (let boots = 1; ; boots += 1) {
            const choice = selectBoot(current, { canSave: true, whole });
            longest = Math.max(longest, boots);
            expect(boots).toBeLessThanOrEqual(5);
            if (choice.slot === works) break;
            current = choice.next ?? current;
          }
        }
    expect(longest).toBe(5);
  });

  test('what cannot be saved is not pretended: nothing to save, no number', () => {
    for (const before of allStates()) {
      const choice = selectBoot(before, { ...ALL_WHOLE, canSave: false });
      expect([choice.next, choice.attempt]).toEqual([undefined, 0]);
      expect(choice.mode).not.toBe('trial');
    }
  });
});

/** What can happen to a box, in any order. */
type Event =
  | { kind: 'boot'; canSave: boolean; ends: 'gate passes' | 'dies'; turn: Slot }
  | { kind: 'arm' | 'discard' | 'roll back' }
  | { kind: 'hurt slot'; slot: Slot }
  | { kind: 'lose state'; healthy: boolean };

const anySlot = fc.constantFrom(...SLOTS);
const anyEvent: fc.Arbitrary<Event> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('boot' as const),
      canSave: fc.boolean(),
      ends: fc.constantFrom('gate passes' as const, 'dies' as const),
      turn: anySlot,
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constantFrom('arm' as const, 'discard' as const, 'roll back' as const) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('hurt slot' as const), slot: anySlot }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('lose state' as const), healthy: fc.boolean() }) },
);

describe('whatever happens in whatever order', () => {
  test('some slot always boots, a trial gets three boots at most, and the committed slot is never lost', () => {
    fc.assert(
      fc.property(fc.array(anyEvent, { maxLength: 60 }), (events) => {
        let current: BootState | undefined = initialState('A');
        const whole = { A: true, B: true };
        let running: Slot = 'A';
        let trialBoots = 0;
        let committed: Slot | undefined;
        let deaths = 0;
        for (const event of events) {
          if (event.kind === 'hurt slot') {
            if (whole[otherSlot(event.slot)]) whole[event.slot] = false;
          } else if (event.kind === 'lose state') {
            current = undefined;
            committed = undefined;
          } else if (event.kind === 'boot') {
            const { canSave, turn } = event;
            const choice = selectBoot(current, { canSave, whole, turn });
            running = choice.slot;
            expect(whole[running]).toBe(true);
            if (choice.mode === 'trial') trialBoots += 1;
            expect(trialBoots).toBeLessThanOrEqual(3);
            // The committed slot keeps its place until it was started three times in a row in vain, or is not whole.
            if (committed !== undefined && choice.next && choice.next.active !== committed) {
              expect(deaths >= 3 || !whole[committed]).toBe(true);
              committed = undefined;
            }
            current = choice.next ?? current;
            if (event.ends === 'gate passes') {
              current = current ? commitBoot(current, running) : recoveredState(running, true);
              committed = running;
              deaths = 0;
            } else {
              deaths += 1;
              current ??= recoveredState(running, false);
            }
          } else if (current) {
            current = allowed(event.kind, current, running) ?? current;
            if (event.kind === 'arm' && current.trial && current.attempts === 0) trialBoots = 0;
            if (event.kind === 'roll back') trialBoots = 0;
            if (current.active !== committed) committed = undefined;
          }
          if (current) expect(current.trial).not.toBe(current.active);
        }
      }),
      { numRuns: 2000 },
    );
  });
});

/** The step, or undefined where it is refused. */
function allowed(
  kind: 'arm' | 'discard' | 'roll back',
  current: BootState,
  running: Slot,
): BootState | undefined {
  try {
    if (kind === 'arm') return armTrial(current, otherSlot(running), running);
    if (kind === 'discard') return discardSlot(current, otherSlot(running), running);
    return rollBack(current, running);
  } catch {
    return undefined;
  }
}
