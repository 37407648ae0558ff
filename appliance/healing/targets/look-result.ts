import { BulkheadError, describeError } from '../../../base/errors.ts';
import type { Detection } from '../../findings/detection.ts';
import { detectionOf, namesOf, type Subject } from './outcome.ts';
import type { Look } from './watched-target.ts';

/** The two findings that a look itself can have, beside those of its checks. */
export const REACHABLE = 'target.reachable';
export const ANSWERS = 'target.answers';

/** A look that came about, or why it did not. */
export type LookResult = { looks: readonly Look[]; error: null } | { looks: null; error: unknown };

/** Pure: everything that one look at a machine comes to, as detections. A machine that cannot be looked at says nothing about its checks. */
export function detectionsOf(subject: Subject, result: LookResult, now: () => Date): Detection[] {
  const own = (
    check_type: string,
    passed: boolean,
    expected: string,
    actual: string,
    code: string | null,
  ) => {
    const severity = check_type === REACHABLE ? ('high' as const) : ('medium' as const);
    const metadata = code === null ? {} : { code };
    return detectionOf(subject, check_type, { passed, expected, actual, severity, metadata }, now);
  };
  const lets_in = 'answers, is who it should be, and lets the appliance in';
  if (result.looks === null)
    return [own(REACHABLE, false, lets_in, describeError(result.error), codeOf(result.error))];
  const silent = result.looks.filter((look) => look.error !== null);
  const words = namesOf(silent.map(({ check_type }) => check_type));
  const first = silent[0]?.error ?? null;
  return [
    own(REACHABLE, true, lets_in, 'as expected', null),
    own(
      ANSWERS,
      silent.length === 0,
      'every check has an answer',
      first === null ? 'as expected' : `none for ${words}; ${describeError(first)}`,
      first?.code ?? null,
    ),
    ...result.looks.flatMap(({ detection }) => detection ?? []),
  ];
}

function codeOf(error: unknown): string | null {
  return error instanceof BulkheadError ? error.code : null;
}
