import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { allStates } from '../test/qemu/grub-table.ts';
import { type BootConditions, type BootMode, selectBoot } from './boot-machine.ts';
import {
  armTrial,
  commitBoot,
  discardSlot,
  recoveredState,
  rollBack,
  wasGivenUp,
} from './boot-machine-linux.ts';
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

/** What can happen to a box, in any order. A power cut is a `boot` at any place between the others. */
type Event =
  | { kind: 'boot'; canSave: boolean; turn: Slot }
  | { kind: 'verdict'; healthy: boolean }
  | { kind: 'begin writing' | 'finish writing' | 'arm' | 'roll back' | 'lose state' }
  | { kind: 'hurt slot'; slot: Slot };

const anySlot = fc.constantFrom(...SLOTS);
const anyEvent: fc.Arbitrary<Event> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ kind: fc.constant('boot' as const), canSave: fc.boolean(), turn: anySlot }),
  },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('verdict' as const), healthy: fc.boolean() }) },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constantFrom('begin writing' as const, 'finish writing' as const, 'arm' as const),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('roll back' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('hurt slot' as const), slot: anySlot }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('lose state' as const) }) },
);

/** A box with its two slots, and what was promised about it. */
class Box {
  state: BootState | undefined = initialState('A');
  readonly whole = { A: true, B: true };
  running: Slot = 'A';
  mode: BootMode = 'normal';
  writing = false;
  /** Boots of the present trial. */
  trialBoots = 0;
  /** What passed last and may only be left for a reason. */
  committed: Slot | undefined;
  /** Boots since then that nobody committed. */
  deaths = 0;
  /** An operator went back from the slot that runs, in this boot. */
  wentBack = false;

  happen(event: Event): void {
    if (event.kind === 'boot') this.boot(event);
    else if (event.kind === 'verdict') this.judge(event.healthy);
    else if (event.kind === 'hurt slot') {
      if (this.whole[otherSlot(event.slot)]) this.whole[event.slot] = false;
    } else if (event.kind === 'lose state') {
      // With the state goes what was wished and promised.
      this.state = undefined;
      this.committed = undefined;
      this.wentBack = false;
    } else if (this.state) this.operate(event.kind, this.state);
    if (this.state) expect(this.state.trial).not.toBe(this.state.active);
  }

  private boot({ canSave, turn }: { canSave: boolean; turn: Slot }): void {
    const choice = selectBoot(this.state, { canSave, whole: this.whole, turn });
    this.running = choice.slot;
    this.mode = choice.mode;
    this.writing = false;
    this.wentBack = false;
    expect(this.whole[this.running]).toBe(true);
    if (choice.mode === 'trial') this.trialBoots += 1;
    expect(this.trialBoots).toBeLessThanOrEqual(3);
    // The committed slot keeps its place until it was started three times in a row in vain, or is not whole.
    if (this.committed !== undefined && choice.next && choice.next.active !== this.committed) {
      expect(this.deaths >= 3 || !this.whole[this.committed]).toBe(true);
      this.committed = undefined;
    }
    this.deaths += 1;
    this.state = choice.next ?? this.state;
  }

  /** As health-gate/gate.ts does it. */
  private judge(healthy: boolean): void {
    if (!healthy) {
      this.state ??= recoveredState(this.running, false);
      return;
    }
    if (wasGivenUp(this.state?.failed ?? null, this.running, this.mode)) return;
    // What an operator went back from in a boot is not committed by that boot.
    if (this.mode !== 'rescue') expect(this.wentBack).toBe(false);
    this.state = this.state ? commitBoot(this.state, this.running) : recoveredState(this.running, true);
    this.committed = this.running;
    this.deaths = 0;
  }

  private operate(kind: 'begin writing' | 'finish writing' | 'arm' | 'roll back', state: BootState): void {
    const { running, mode, whole } = this;
    const slot = otherSlot(running);
    if (kind === 'finish writing') {
      if (this.writing) whole[slot] = true;
      this.writing = false;
      return;
    }
    // Damage of the slot that runs while the other is being written is two faults at once, and ends in none that boots.
    if (kind === 'begin writing' && !whole[running]) return;
    if ((kind === 'arm' || kind === 'roll back') && !whole[slot]) return;
    const next = allowed(() => {
      if (kind === 'arm') return armTrial(state, slot, running, mode);
      return kind === 'roll back' ? rollBack(state, running) : discardSlot(state, slot, running, mode);
    });
    if (!next) {
      // In rescue a release for the slot that does not run is the way out.
      expect(mode === 'rescue' && kind !== 'roll back').toBe(false);
      return;
    }
    this.state = next;
    if (kind === 'begin writing') {
      this.writing = true;
      whole[slot] = false;
    } else this.trialBoots = 0;
    if (next.failed === running && state.failed !== running) this.wentBack = true;
    if (next.active !== this.committed) this.committed = undefined;
  }
}

describe('whatever happens in whatever order', () => {
  test('some slot always boots, a trial gets three boots at most, and the committed slot is never lost', () => {
    fc.assert(
      fc.property(fc.array(anyEvent, { maxLength: 80, size: 'max' }), (events) => {
        const box = new Box();
        for (const event of events) box.happen(event);
      }),
      { numRuns: 3000 },
    );
  });
});

/** The step, or undefined where it is refused. */
function allowed(step: () => BootState): BootState | undefined {
  try {
    return step();
  } catch {
    return undefined;
  }
}
