import { parseEnvBlock, serialiseEnvBlock } from './env-block.ts';
import { BOOT_STATE_BYTES } from './limits.ts';
import { isSlot, type Slot } from './slot.ts';

/**
 * Everything the choice of a slot depends on: 512 bytes in `/boot/ab_state`, one sector. GRUB reads and counts,
 * the health gate commits; both by overwriting that sector in place.
 */
export interface BootState {
  /** The last committed slot: what boots when nothing is on trial. */
  readonly active: Slot;
  /** A newly written slot that gets up to three boots to prove itself; never the active one. */
  readonly trial: Slot | null;
  /** Boots since the last commit, of the trial while there is one; 4 and 5 are the rescue ring. */
  readonly attempts: BootAttempts;
  /** The slot once passed the health gate with what is in it now. */
  readonly good: Readonly<Record<Slot, boolean>>;
  /** The slot that was last given up. */
  readonly failed: Slot | null;
}

export type BootAttempts = 0 | 1 | 2 | 3 | 4 | 5;

/** Boot state of a disk whose one image sits in `slot` and has not passed the gate yet: what the installer writes. */
export function initialState(slot: Slot): BootState {
  return { active: slot, trial: null, attempts: 0, good: { A: false, B: false }, failed: null };
}

/**
 * The block as it lies on the disk. It is valid GRUB source as well: comments and assignments, nothing else.
 * The order of the names is fixed, so equal states are equal bytes.
 */
export function serialiseBootState(state: BootState): Uint8Array {
  return serialiseEnvBlock(
    {
      active_partition: state.active,
      trial_partition: state.trial ?? 'none',
      boot_attempts: String(state.attempts),
      good_a: state.good.A ? '1' : '0',
      good_b: state.good.B ? '1' : '0',
      failed_partition: state.failed ?? 'none',
    },
    BOOT_STATE_BYTES,
  );
}

/**
 * The state in a block, or undefined when it is damaged: no signature, a name missing, a value out of its range,
 * a trial of the active slot. Names that are not ours are passed over, as GRUB passes over them.
 */
export function parseBootState(block: Uint8Array): BootState | undefined {
  const values = parseEnvBlock(block);
  if (!values) return undefined;
  const { active_partition, trial_partition, boot_attempts, good_a, good_b, failed_partition } = values;
  const trial = parseOptionalSlot(trial_partition);
  const attempts = parseAttempts(boot_attempts);
  const goodA = parseFlag(good_a);
  const goodB = parseFlag(good_b);
  const failed = parseOptionalSlot(failed_partition);
  if (!isSlot(active_partition) || trial === active_partition) return undefined;
  if (trial === undefined || attempts === undefined || failed === undefined) return undefined;
  if (goodA === undefined || goodB === undefined) return undefined;
  return { active: active_partition, trial, attempts, good: { A: goodA, B: goodB }, failed };
}

/** True when both describe the same state. */
export function sameBootState(one: BootState, two: BootState): boolean {
  return Buffer.from(serialiseBootState(one)).equals(serialiseBootState(two));
}

function parseOptionalSlot(text: string | undefined): Slot | null | undefined {
  if (text === 'none') return null;
  return isSlot(text) ? text : undefined;
}

function parseFlag(text: string | undefined): boolean | undefined {
  if (text === '1') return true;
  return text === '0' ? false : undefined;
}

function parseAttempts(text: string | undefined): BootAttempts | undefined {
  const attempts = ([0, 1, 2, 3, 4, 5] as const).find((number) => String(number) === text);
  return attempts;
}
