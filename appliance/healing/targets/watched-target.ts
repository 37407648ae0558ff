import { BulkheadError } from '../../../base/errors.ts';
import type { Detection } from '../../findings/detection.ts';
import type { HealingTarget } from '../target.ts';

/** What one check came to: a detection, or why there is none. */
export type Look =
  | { check_type: string; detection: Detection; error: null }
  | { check_type: string; detection: null; error: BulkheadError };

/** A machine that is looked at now and then, all its checks in one session. */
export interface WatchedTarget extends HealingTarget {
  /**
   * Does every check of its configuration, one after the other.
   *
   * @throws BulkheadError when the machine cannot be reached or let nobody in; then nothing is known about any check
   */
  detectAll(signal: AbortSignal): Promise<Look[]>;
}

/** A check that has no answer does not keep the others from being made; a connection that is gone does. */
export async function lookAtAll(
  checks: readonly string[],
  signal: AbortSignal,
  look: (check: string) => Promise<Detection>,
): Promise<Look[]> {
  const looks: Look[] = [];
  for (const check_type of checks) {
    try {
      looks.push({ check_type, detection: await look(check_type), error: null });
    } catch (error) {
      if (!(error instanceof BulkheadError) || signal.aborted || !error.code.startsWith('TARGET_'))
        throw error;
      looks.push({ check_type, detection: null, error });
    }
  }
  return looks;
}
