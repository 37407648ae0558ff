import { expect, test } from 'vitest';
import { selectBoot } from '../partitions/boot-machine.ts';
import type { BootState } from '../partitions/boot-state.ts';
import { stateAfterFailedBoot } from './uncounted-boot.ts';
import type { BootFacts } from './verdict.ts';

const facts = (attempt: number | null): BootFacts & { slot: 'A' } => ({
  mode: 'normal',
  live: false,
  slot: 'A',
  attempt,
  failedSlot: null,
});
const state: BootState = { active: 'A', trial: null, attempts: 0, good: { A: true, B: true }, failed: null };

test('what the boot loader has counted is not counted again', () => {
  expect(stateAfterFailedBoot({ ...state, attempts: 2 }, facts(2))).toBeNull();
  expect(stateAfterFailedBoot({ ...state, attempts: 2 }, facts(null))).toBeNull();
});

test('without a boot state the failed boot counts as the first', () => {
  expect(stateAfterFailedBoot(null, facts(0))).toEqual({
    ...state,
    attempts: 1,
    good: { A: false, B: false },
  });
});

test('a boot loader that cannot count still ends in rescue when every boot fails', () => {
  const whole = { A: true, B: true };
  let now: BootState = state;
  const modes: string[] = [];
  for (let boot = 0; boot < 12; boot += 1) {
    const choice = selectBoot(now, { canSave: false, whole });
    modes.push(`${choice.slot} ${choice.mode}`);
    if (choice.mode === 'rescue') break;
    const next = stateAfterFailedBoot(now, { ...facts(choice.attempt), slot: 'A' });
    if (next !== null) now = next;
  }
  expect(modes.at(-1)).toMatch(/rescue$/);
  expect(modes).toContain('B normal');
});

test('a failed boot of the active slot is not charged to a trial that never ran', () => {
  const armed: BootState = { ...state, trial: 'B', attempts: 2, good: { A: true, B: false } };
  expect(stateAfterFailedBoot(armed, facts(0))).toEqual({ ...armed, trial: null, attempts: 1 });
});
