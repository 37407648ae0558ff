import type { BootMode } from '../partitions/boot-machine.ts';
import { wasGivenUp } from '../partitions/boot-machine-linux.ts';
import { otherSlot, type Slot } from '../partitions/slot.ts';
import type { CheckResult, Verdict, VerdictAction } from './verdict-schema.ts';

/** How this boot came about, from the kernel command line and the boot state. */
export interface BootFacts {
  /** What GRUB started: an ordinary boot, a slot on trial, or the last resort when no slot was left. */
  mode: BootMode;
  /** Booted from the installation medium; there is nothing to commit. */
  live: boolean;
  slot: Slot | null;
  /** Counted by GRUB, from 1; 0 when it could not count, null when it did not say. */
  attempt: number | null;
  /** The slot that the boot state says has failed, if any. */
  failedSlot: Slot | null;
}

export interface Decision {
  outcome: Verdict['outcome'];
  action: VerdictAction;
  reason: string;
}

/**
 * The verdict on a boot. Pure, and the whole rule:
 *
 * | checks    | live | normal or trial | given up by an operator | rescue |
 * | --------- | ---- | --------------- | ----------------------- | ------ |
 * | all pass  | none | commit          | none                    | commit |
 * | one fails | none | reboot          | reboot                  | stay   |
 *
 * A reboot costs an attempt: GRUB has already counted this one and the gate clears nothing, so the third failure
 * ends on the other slot. In rescue there is no other slot; rebooting would only take the status page away.
 * Skipped and observed-only checks never decide.
 */
export function decideVerdict(checks: readonly CheckResult[], boot: BootFacts): Decision {
  const failing = checks.filter((check) => check.decisive && check.outcome === 'fail');
  const decided = checks.some((check) => check.decisive && check.outcome === 'pass');
  const outcome = failing.length === 0 && decided ? 'healthy' : 'unhealthy';
  return { outcome, action: actionFor(outcome, boot), reason: reasonFor(failing, decided, boot) };
}

/** The verdict when it is only observed: judged the same, acted on never. */
export function observeVerdict(checks: readonly CheckResult[], boot: BootFacts): Decision {
  return { ...decideVerdict(checks, boot), action: 'none' };
}

function actionFor(outcome: Decision['outcome'], boot: BootFacts): VerdictAction {
  if (boot.live) return 'none';
  if (outcome === 'healthy') return givenUp(boot) ? 'none' : 'commit';
  return boot.mode === 'rescue' ? 'stay' : 'reboot';
}

function reasonFor(failing: readonly CheckResult[], decided: boolean, boot: BootFacts): string {
  const sentences: string[] = [];
  if (failing.length > 0) {
    const named = failing.map((check) => `${check.name} (${withoutFullStop(check.message)})`).join(', ');
    sentences.push(`${failing.length === 1 ? 'a decisive check' : 'decisive checks'} failed: ${named}`);
  } else {
    sentences.push(decided ? 'all decisive checks passed' : 'no decisive check could be made');
  }
  if (boot.slot !== null && givenUp(boot)) {
    sentences.push(
      `slot ${boot.slot} was given up by an operator and is not committed; the next boot takes slot ${otherSlot(boot.slot)}`,
    );
  } else if (boot.failedSlot !== null && boot.slot !== null && boot.failedSlot !== boot.slot) {
    sentences.push(`slot ${boot.failedSlot} was given up and this boot rolled back to slot ${boot.slot}`);
  }
  if (boot.mode === 'rescue' && !boot.live) sentences.push('this is a rescue boot, no slot was left to try');
  return sentences.join('; ');
}

function givenUp({ failedSlot, slot, mode, live }: BootFacts): boolean {
  return !live && wasGivenUp(failedSlot, slot, mode);
}

function withoutFullStop(text: string): string {
  return text.replace(/\.$/, '');
}
