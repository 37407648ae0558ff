import type { BootAttempts, BootState } from './boot-state.ts';
import { BOOT_ATTEMPTS_MAX, RESCUE_ACTIVE_ATTEMPT, RESCUE_OTHER_ATTEMPT } from './limits.ts';
import { otherSlot, type Slot } from './slot.ts';

/**
 * Which slot a boot takes: the table that partitions/grub/grub.cfg carries out and that the real GRUB is held to by
 * test/qemu/grub.test.ts. Why it is as it is: docs/decisions/0002-boot-state-machine.md.
 */

/** `trial`: proves a new image; `normal`: the everyday boot; `rescue`: the gate stays up and says why instead of rebooting. */
export type BootMode = 'normal' | 'trial' | 'rescue';

/** What GRUB finds beside the state. */
export interface BootConditions {
  /** The counted attempt was written and read back. */
  canSave: boolean;
  /** The slot has a header and the digests of its kernel and initrd match. */
  whole: Readonly<Record<Slot, boolean>>;
  /** Which slot goes first when there is no state to go by: by the parity of the clock's second. Default A. */
  turn?: Slot;
}

/** Why this slot: printed by GRUB after `BULKHEAD-GRUB`. */
export type BootReason =
  | 'trial'
  | 'active'
  | 'trial-used-up'
  | 'trial-not-whole'
  | 'trial-not-counted'
  | 'active-used-up'
  | 'active-not-whole'
  | 'rescue-active'
  | 'rescue-other'
  | 'neither-whole'
  | 'no-state';

export interface BootChoice {
  /** What is saved before the slot is started; undefined when nothing is. */
  next: BootState | undefined;
  slot: Slot;
  mode: BootMode;
  /** Number of this boot since the last commit, 1 to 5; 0 when it is not counted. */
  attempt: BootAttempts;
  reason: BootReason;
}

/** Pure; the same for the same input. `state` is undefined when the block is missing or damaged. */
export function selectBoot(state: BootState | undefined, conditions: BootConditions): BootChoice {
  const { canSave, whole, turn = 'A' } = conditions;
  if (!state) {
    const slot = !whole[turn] && whole[otherSlot(turn)] ? otherSlot(turn) : turn;
    const mode = whole[slot] ? 'normal' : 'rescue';
    return { next: undefined, slot, mode, attempt: 0, reason: 'no-state' };
  }
  if (!state.trial) return selectCommitted(state, conditions, undefined);
  if (state.attempts >= BOOT_ATTEMPTS_MAX) {
    return selectCommitted(endTrial(state, state.trial), conditions, 'trial-used-up');
  }
  // A trial that cannot be counted could fail for ever. The count is the trial's, so the active slot starts at none.
  if (!canSave)
    return selectCommitted({ ...state, trial: null, attempts: 0 }, conditions, 'trial-not-counted');
  if (!whole[state.trial]) {
    return selectCommitted(endTrial(state, state.trial), conditions, 'trial-not-whole');
  }
  const attempts = countUp(state.attempts);
  return {
    next: { ...state, attempts },
    slot: state.trial,
    mode: 'trial',
    attempt: attempts,
    reason: 'trial',
  };
}

/** The half of the table without a trial. `reason`, if given, says what became of the trial. */
function selectCommitted(
  state: BootState,
  conditions: BootConditions,
  reason: BootReason | undefined,
): BootChoice {
  const { active, attempts, good } = state;
  const { whole } = conditions;
  const other = otherSlot(active);

  // First the rows that take the other slot without a look at the active one: GRUB hashes only what it starts.
  if (attempts === BOOT_ATTEMPTS_MAX && good[other] && whole[other]) {
    return choose(giveUpActive(state, 1), other, 'normal', 'active-used-up', conditions);
  }
  if (attempts === RESCUE_ACTIVE_ATTEMPT && whole[other]) {
    return choose({ ...state, attempts: RESCUE_OTHER_ATTEMPT }, other, 'rescue', 'rescue-other', conditions);
  }
  if (!whole[active] && whole[other]) {
    // Never good or already given up: it may boot, but only where a failed check does not mean a reboot.
    const next = giveUpActive(state, good[other] ? 1 : RESCUE_ACTIVE_ATTEMPT);
    return choose(next, other, good[other] ? 'normal' : 'rescue', 'active-not-whole', conditions);
  }
  if (whole[active] && attempts < BOOT_ATTEMPTS_MAX) {
    const next: BootState = { ...state, attempts: countUp(attempts) };
    return choose(next, active, 'normal', reason ?? 'active', conditions);
  }
  const place = attempts === RESCUE_ACTIVE_ATTEMPT ? RESCUE_OTHER_ATTEMPT : RESCUE_ACTIVE_ATTEMPT;
  const next: BootState = { ...state, attempts: place };
  if (whole[active]) return choose(next, active, 'rescue', 'rescue-active', conditions);
  const slot = place === RESCUE_OTHER_ATTEMPT ? other : active;
  return choose(next, slot, 'rescue', 'neither-whole', conditions);
}

function choose(
  next: BootState,
  slot: Slot,
  mode: BootMode,
  reason: BootReason,
  { canSave }: BootConditions,
): BootChoice {
  return canSave
    ? { next, slot, mode, attempt: next.attempts, reason }
    : { next: undefined, slot, mode, attempt: 0, reason };
}

function endTrial(state: BootState, trial: Slot): BootState {
  return { ...state, trial: null, attempts: 0, good: { ...state.good, [trial]: false }, failed: trial };
}

function giveUpActive(state: BootState, attempts: BootAttempts): BootState {
  const { active } = state;
  return {
    active: otherSlot(active),
    trial: null,
    attempts,
    good: { ...state.good, [active]: false },
    failed: active,
  };
}

function countUp(attempts: BootAttempts): BootAttempts {
  if (attempts === 0) return 1;
  return attempts === 1 ? 2 : 3;
}
