import { recoveredState } from '../partitions/boot-machine-linux.ts';
import type { BootAttempts, BootState } from '../partitions/boot-state.ts';
import { BOOT_ATTEMPTS_MAX } from '../partitions/limits.ts';
import type { Slot } from '../partitions/slot.ts';
import type { BootFacts } from './verdict.ts';
import type { Verdict } from './verdict-schema.ts';

/**
 * What has to be written before a failed boot is started again, or null when the boot loader has counted it already.
 *
 * The loader counts; but where it could not (no state to read, or firmware that refuses to write) nobody has, and a
 * failing gate would reboot for ever. Then the gate counts, so that the boots end in the other slot or in rescue.
 * Pure.
 */
export function stateAfterFailedBoot(
  state: BootState | null,
  facts: BootFacts & { slot: Slot },
): BootState | null {
  if (state === null) return recoveredState(facts.slot, false);
  if (facts.attempt !== 0) return null;
  // A loader that cannot count never starts a trial; the count would be charged to a slot that did not run.
  return { ...state, trial: null, attempts: NEXT_ATTEMPTS[state.trial === null ? state.attempts : 0] };
}

/** Up to the three attempts, then round the rescue ring, as boot-machine.ts goes. */
const NEXT_ATTEMPTS: Readonly<Record<BootAttempts, BootAttempts>> = { 0: 1, 1: 2, 2: 3, 3: 4, 4: 5, 5: 4 };

/**
 * Whether a failed boot is started again that neither the loader nor the gate can count (an ESP that cannot be written).
 * As many times as a slot has attempts, for the trouble may pass; then never: each boot would be this one again, and a
 * machine that stays up can be looked at.
 *
 * @param verdicts the journal, oldest first, with the verdict on this boot
 */
export function mayRestartUncounted(verdicts: readonly Verdict[], bootId: string): boolean {
  const last = new Map(verdicts.map((verdict) => [verdict.bootId, verdict]));
  // Without a record of this boot the next one could not tell how often it was tried.
  if (!last.has(bootId)) return false;
  const boots = [...last.values()].reverse();
  const otherwise = boots.findIndex(({ action, attempt }) => action !== 'reboot' || attempt !== 0);
  return (otherwise === -1 ? boots.length : otherwise) <= BOOT_ATTEMPTS_MAX;
}
