import type { Detection } from '../findings/detection.ts';
import { TEXT_MAX } from '../findings/limits.ts';
import type { Result } from './assess.ts';
import { RECORD_FAILING_AGAIN_S, RECORD_GOOD_AGAIN_S } from './limits.ts';

/** What findings call the appliance. */
export const APPLIANCE = 'appliance';

/** A result as a detection. What is justified, or does not apply, opens no finding and closes one that is open. */
export function toDetection(
  { control, state, seen, justification }: Result,
  at_s: number,
  hostname: string,
): Detection {
  return {
    subject: APPLIANCE,
    hostname,
    check_type: control.check,
    passed: state !== 'fails' && state !== 'unknown',
    expected: control.demand,
    actual: seen.slice(0, TEXT_MAX),
    control: control.id,
    severity: control.severity,
    at_s,
    metadata: { state, ...(justification === null ? {} : { justified_by: justification.by }) },
  };
}

/** What was recorded of a control last. */
export interface Recorded {
  state: Result['state'];
  seen: string;
  at_s: number;
}

/**
 * The results that are worth an event: those that have changed, and now and then those that have not. Every result of every run
 * would push the events of a year of sensors out of the store.
 */
export function worthRecording(
  results: readonly Result[],
  before: ReadonlyMap<string, Recorded>,
  at_s: number,
): Result[] {
  return results.filter(({ control, state, seen }) => {
    const last = before.get(control.id);
    if (last === undefined || last.state !== state || last.seen !== seen) return true;
    const again_s = state === 'fails' || state === 'unknown' ? RECORD_FAILING_AGAIN_S : RECORD_GOOD_AGAIN_S;
    // A clock that was set back must not silence a control for as long as it was ahead.
    return at_s - last.at_s >= again_s || at_s < last.at_s;
  });
}
