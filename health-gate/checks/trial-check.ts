import { type Check, type CheckContext, type Finding, skipped } from '../check.ts';
import { AGENT_REQUEST_TIMEOUT_MS, RETRY_PAUSE_MS } from '../limits.ts';
import { untilPassed } from '../patience.ts';

/** A question that decides, and that only a newly written slot is asked: again and again, while what it asks may still be starting. */
export function trialCheck(
  name: string,
  ask: (context: CheckContext, signal: AbortSignal) => Promise<Finding>,
): Check {
  return {
    ...{ name, decisive: true },
    timeout_ms: (context) => context.patience_ms + AGENT_REQUEST_TIMEOUT_MS + RETRY_PAUSE_MS,
    find: async (context, signal) =>
      context.trial
        ? untilPassed(context.patience_ms, signal, () => ask(context, signal))
        : skipped('asked of a slot on trial'),
  };
}
