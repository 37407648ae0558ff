import { describe, expect, test } from 'vitest';
import { BulkheadError } from '../base/errors.ts';
import { allConditions, allStates } from '../test/qemu/grub-table.ts';
import { selectBoot } from './boot-machine.ts';
import { armTrial, commitBoot, disarm, discardSlot, recoveredState, rollBack } from './boot-machine-linux.ts';
import { type BootState, initialState } from './boot-state.ts';
import { otherSlot } from './slot.ts';

const WHOLE = { canSave: true, whole: { A: true, B: true } };
const committed: BootState = {
  active: 'A',
  trial: null,
  attempts: 0,
  good: { A: true, B: true },
  failed: null,
};

describe('commit', () => {
  test('makes the slot on trial the active one and ends the trial', () => {
    const trial = { ...committed, trial: 'B', attempts: 2, good: { A: true, B: false } } as const;
    expect(commitBoot(trial, 'B')).toEqual({ ...committed, active: 'B' });
  });

  test('clears the count and a failure of the running slot, not one of the other', () => {
    expect(commitBoot({ ...committed, attempts: 3, failed: 'A' }, 'A')).toEqual(committed);
    expect(commitBoot({ ...committed, attempts: 3, failed: 'B' }, 'A')).toEqual({
      ...committed,
      failed: 'B',
    });
  });

  test('from the rescue ring takes whichever slot passed', () => {
    expect(commitBoot({ ...committed, attempts: 5, good: { A: false, B: false } }, 'B')).toEqual({
      ...committed,
      active: 'B',
      good: { A: false, B: true },
    });
  });

  test('of the active slot leaves a waiting trial its count, or it would start over for ever', () => {
    const waiting = { ...committed, trial: 'B', attempts: 2 } as const;
    expect(commitBoot(waiting, 'A')).toEqual(waiting);
  });

  test('twice is the same as once', () => {
    const once = commitBoot({ ...committed, attempts: 1 }, 'A');
    expect(commitBoot(once, 'A')).toEqual(once);
  });
});

describe('disarm', () => {
  test('takes back a slot that was not started, as good as it was, and nothing where none is armed', () => {
    expect(disarm(armTrial(committed, 'B', 'A'), 'A')).toEqual({ ...committed, good: { A: true, B: false } });
    expect(disarm(rollBack(committed, 'A'), 'A')).toEqual(committed);
    expect(disarm({ ...committed, attempts: 2 }, 'A')).toEqual({ ...committed, attempts: 2 });
  });

  test('refuses a trial that runs', () => {
    expect(() => disarm({ ...committed, trial: 'B', attempts: 1 }, 'B')).toThrow(
      expect.objectContaining({ code: 'BOOT_SLOT_IN_USE' }),
    );
  });
});

describe('arm', () => {
  test('puts the other slot on trial with nothing counted, and it boots next', () => {
    const armed = armTrial({ ...committed, failed: 'B' }, 'B', 'A');
    expect(armed).toEqual({ ...committed, trial: 'B', good: { A: true, B: false } });
    expect(selectBoot(armed, WHOLE)).toMatchObject({ slot: 'B', mode: 'trial', attempt: 1 });
  });

  test('refuses the active and the running slot', () => {
    expect(() => armTrial(committed, 'A', 'A')).toThrow(
      expect.objectContaining({ code: 'BOOT_SLOT_IN_USE' }),
    );
    expect(() => armTrial(committed, 'B', 'B')).toThrow(
      expect.objectContaining({ code: 'BOOT_SLOT_IN_USE' }),
    );
  });

  test.each([
    ['it has a boot that is not judged yet', { ...committed, attempts: 1 as const }],
    ['it never passed', { ...committed, good: { A: false, B: true } }],
    ['it is fresh from the installer', initialState('A')],
  ])('refuses while the running slot is not committed: %s', (_name, state) => {
    expect(() => armTrial(state, 'B', 'A')).toThrow(expect.objectContaining({ code: 'BOOT_NOT_COMMITTED' }));
    expect(() => discardSlot(state, 'B', 'A')).toThrow(
      expect.objectContaining({ code: 'BOOT_NOT_COMMITTED' }),
    );
  });

  test('again while it waits starts the count anew', () => {
    expect(armTrial({ ...committed, trial: 'B', attempts: 2 }, 'B', 'A').attempts).toBe(0);
  });
});

describe('in a rescue boot that is not committed', () => {
  /** Every rescue boot there is: the state GRUB leaves behind, and the slot it starts. */
  const rescues = allStates().flatMap((before) =>
    allConditions().flatMap((conditions) => {
      const { slot, mode, next } = selectBoot(before, conditions);
      const found = next ?? before;
      const committed =
        found.active === slot && found.good[slot] && found.trial === null && found.attempts === 0;
      return mode === 'rescue' && conditions.whole[slot] && !committed
        ? [{ state: found, running: slot }]
        : [];
    }),
  );

  test('the slot that does not run may be written, and a power cut in the middle ends in the same rescue', () => {
    expect(rescues.length).toBeGreaterThan(500);
    for (const { state, running } of rescues) {
      const slot = otherSlot(running);
      let current = discardSlot(state, slot, running, 'rescue');
      expect(current.good[slot]).toBe(false);
      for (let boots = 0; boots < 5; boots += 1) {
        const whole = { A: true, B: true, [slot]: false };
        const choice = selectBoot(current, { canSave: true, whole });
        expect(choice).toMatchObject({ slot: running, mode: 'rescue' });
        current = choice.next ?? current;
      }
    }
  });

  test('what was written is on trial, and where it fails the slot that wrote it is back in rescue', () => {
    for (const { state, running } of rescues) {
      const slot = otherSlot(running);
      let current = armTrial(discardSlot(state, slot, running, 'rescue'), slot, running, 'rescue');
      expect(current.active).toBe(running);
      expect(commitBoot(selectBoot(current, WHOLE).next ?? current, slot)).toMatchObject({
        active: slot,
        attempts: 0,
      });
      const boots = [1, 2, 3, 4, 5, 6, 7].map(() => {
        const choice = selectBoot(current, WHOLE);
        current = choice.next ?? current;
        return `${choice.slot === slot ? 'new' : 'old'} ${choice.mode}`;
      });
      expect(boots.slice(0, 3)).toEqual(Array(3).fill('new trial'));
      expect(boots.slice(3, 6)).toEqual(Array(3).fill('old normal'));
      expect(boots[6]).toBe('old rescue');
    }
  });

  test('the running slot is never written, and outside of rescue nothing is', () => {
    for (const { state, running } of rescues) {
      expect(() => discardSlot(state, running, running, 'rescue')).toThrow(
        expect.objectContaining({ code: 'BOOT_SLOT_IN_USE' }),
      );
      expect(() => discardSlot(state, otherSlot(running), running, 'normal')).toThrow(BulkheadError);
    }
  });

  test('once its gate has passed it is a boot like any other', () => {
    const passed = commitBoot({ ...committed, attempts: 5, good: { A: true, B: false } }, 'B');
    expect(discardSlot(passed, 'A', 'B', 'rescue')).toEqual(discardSlot(passed, 'A', 'B'));
  });
});

test('discarding a slot takes it out of every choice but the last resort', () => {
  const discarded = discardSlot({ ...committed, trial: 'B' }, 'B', 'A');
  expect(discarded).toEqual({ ...committed, good: { A: true, B: false } });
  expect(selectBoot({ ...discarded, attempts: 3 }, WHOLE)).toMatchObject({ slot: 'A', mode: 'rescue' });
});

describe('roll-back', () => {
  test('from the committed slot tries the other good one and can come back', () => {
    let state = rollBack(committed, 'A');
    const boots = [1, 2, 3, 4].map(() => {
      const choice = selectBoot(state, WHOLE);
      state = choice.next ?? state;
      return `${choice.slot} ${choice.mode}`;
    });
    expect(boots).toEqual(['B trial', 'B trial', 'B trial', 'A normal']);
  });

  test('from a trial gives the trial up', () => {
    const trial = { ...committed, trial: 'B', attempts: 1, good: { A: true, B: false } } as const;
    expect(rollBack(trial, 'B')).toEqual({ ...committed, good: { A: true, B: false }, failed: 'B' });
  });

  test('refuses when there is no good slot to go to', () => {
    const alone = { ...committed, good: { A: true, B: false } };
    expect(() => rollBack(alone, 'A')).toThrow(
      expect.objectContaining({ code: 'BOOT_NO_SLOT_TO_ROLL_BACK_TO' }),
    );
  });
});

test('a recovered state is committed when the boot passed and counts the boot when it did not', () => {
  expect(recoveredState('B', true)).toEqual({ ...initialState('B'), good: { A: false, B: true } });
  const failing = recoveredState('B', false);
  expect(failing).toEqual({ ...initialState('B'), attempts: 1 });
  expect(selectBoot(failing, WHOLE)).toMatchObject({ slot: 'B', attempt: 2 });
});
