import { BulkheadError } from '../base/errors.ts';
import type { BootMode } from './boot-machine.ts';
import { type BootState, initialState } from './boot-state.ts';
import { RESCUE_ACTIVE_ATTEMPT } from './limits.ts';
import { otherSlot, type Slot } from './slot.ts';

/**
 * What Linux may do to the boot state: pure steps from one state to the next. `running` is the slot of this boot
 * (partitions/slot-detection.ts). The other half of the machine, what GRUB does, is boot-machine.ts.
 */

/**
 * The health gate passed: the running slot is what boots from now on.
 * While the other slot is on trial the count is the trial's and stays, or a trial that GRUB could not count would
 * start over and over.
 */
export function commitBoot(state: BootState, running: Slot): BootState {
  const trial = state.trial === running ? null : state.trial;
  return {
    active: running,
    trial: running === state.active ? trial : null,
    attempts: trial !== null && running === state.active ? state.attempts : 0,
    good: { ...state.good, [running]: true },
    failed: state.failed === running ? null : state.failed,
  };
}

/**
 * An operator went back from the slot that runs (`rollBack` out of a trial). Its gate must not commit it afterwards.
 * In rescue it says nothing: there the boot loader itself starts slots that were given up, and whichever passes is taken.
 */
export function wasGivenUp(failed: Slot | null, running: Slot | null, mode: BootMode): boolean {
  return failed !== null && failed === running && mode !== 'rescue';
}

/**
 * What to write where the state was damaged or missing. A boot that passed is committed; one that failed counts as
 * the first attempt, so that GRUB counts on and ends in rescue instead of rebooting for ever.
 */
export function recoveredState(running: Slot, healthy: boolean): BootState {
  const state = initialState(running);
  return healthy ? commitBoot(state, running) : { ...state, attempts: 1 };
}

/**
 * Before the first byte of a slot is overwritten: it stops being a slot to fall back to. Without this a power cut
 * in the middle of writing leaves a slot that is marked good and is not.
 * In rescue the box stays in the rescue ring until something is armed, with the running slot in its first place.
 *
 * @throws BulkheadError BOOT_SLOT_IN_USE, BOOT_NOT_COMMITTED
 */
export function discardSlot(
  state: BootState,
  slot: Slot,
  running: Slot,
  mode: BootMode = 'normal',
): BootState {
  const { active, attempts } = requireStandby(state, slot, running, mode, 'overwritten');
  return {
    active,
    trial: null,
    attempts,
    good: { ...state.good, [slot]: false },
    // What failed is about to be gone; what comes has not failed yet.
    failed: state.failed === slot ? null : state.failed,
  };
}

/**
 * Puts a freshly written slot on trial from the next boot on.
 *
 * @throws BulkheadError BOOT_SLOT_IN_USE, BOOT_NOT_COMMITTED
 */
export function armTrial(state: BootState, slot: Slot, running: Slot, mode: BootMode = 'normal'): BootState {
  const { active } = requireStandby(state, slot, running, mode, 'put on trial');
  return {
    active,
    trial: slot,
    attempts: 0,
    good: { ...state.good, [slot]: false },
    failed: state.failed === slot ? null : state.failed,
  };
}

/**
 * Takes a slot back that was armed and has not been started: the committed one boots on. What is in the slot stays as good
 * as it was. Without a trial nothing changes.
 *
 * @throws BulkheadError BOOT_SLOT_IN_USE when the trial is what runs
 */
export function disarm(state: BootState, running: Slot): BootState {
  if (state.trial === null) return state;
  if (state.trial === running) {
    throw new BulkheadError(
      'BOOT_SLOT_IN_USE',
      `slot ${running} is running on trial and cannot be disarmed`,
      {
        hint: 'go back from it: bulkhead update rollback',
      },
    );
  }
  return { ...state, trial: null, attempts: 0 };
}

/**
 * An operator wants the slot before. From the committed slot that is a trial of the other good one, so a roll-back
 * that does not boot ends where it began; from a slot that is not committed it is giving up that slot.
 *
 * @throws BulkheadError BOOT_NO_SLOT_TO_ROLL_BACK_TO when the other slot is not marked good
 */
export function rollBack(state: BootState, running: Slot): BootState {
  const target = otherSlot(running);
  if (!state.good[target]) {
    throw new BulkheadError(
      'BOOT_NO_SLOT_TO_ROLL_BACK_TO',
      `slot ${target} is not marked good, so slot ${running} stays`,
      { hint: `write a release into slot ${target} and put it on trial instead` },
    );
  }
  if (running === state.active) return { ...state, trial: target, attempts: 0 };
  return {
    active: target,
    trial: null,
    attempts: 0,
    good: { ...state.good, [running]: false },
    failed: running,
  };
}

/**
 * Which slot stays, and with what count, while the other is written or tried. The running slot has to be committed,
 * or what is tried may leave nothing to fall back to. A rescue boot is past that: no slot passed, and a release for
 * the slot that does not run is the way out, also where that is the active one.
 */
function requireStandby(
  state: BootState,
  slot: Slot,
  running: Slot,
  mode: BootMode,
  what: string,
): Pick<BootState, 'active' | 'attempts'> {
  const counting = state.trial === null && state.attempts !== 0;
  const committed = running === state.active && state.good[running] && !counting;
  if (slot !== running && mode === 'rescue' && !committed)
    return { active: running, attempts: RESCUE_ACTIVE_ATTEMPT };
  if (slot === state.active || slot === running) {
    const use = slot === running ? 'running' : 'active';
    throw new BulkheadError('BOOT_SLOT_IN_USE', `slot ${slot} is ${use} and cannot be ${what}`, {
      hint: `use slot ${otherSlot(slot)}`,
    });
  }
  if (committed) return { active: state.active, attempts: 0 };
  throw new BulkheadError(
    'BOOT_NOT_COMMITTED',
    `slot ${slot} cannot be ${what} while slot ${running}, which runs, is not committed`,
    { hint: 'wait until the health gate has passed: bulkhead health-gate shows its verdict' },
  );
}
