import { describe, expect, test } from 'vitest';
import { selectBoot } from './boot-machine.ts';
import { armTrial, commitBoot, discardSlot, recoveredState, rollBack } from './boot-machine-linux.ts';
import { type BootState, initialState } from './boot-state.ts';

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
