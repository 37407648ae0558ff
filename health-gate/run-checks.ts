import { describeError } from '../base/errors.ts';
import type { Check, CheckContext, Finding } from './check.ts';
import { failed } from './check.ts';
import { MESSAGE_MAX_LENGTH } from './limits.ts';
import type { CheckResult } from './verdict-schema.ts';

/**
 * Asks all checks at once. Each has its own deadline and all share `deadline_ms`; a check that hangs or throws is
 * a failed check, so this always returns in time, with one result per check in the order of `checks`.
 */
export async function runChecks(
  checks: readonly Check[],
  context: CheckContext,
  deadline_ms: number,
): Promise<CheckResult[]> {
  return Promise.all(checks.map((check) => runCheck(check, context, deadline_ms)));
}

async function runCheck(check: Check, context: CheckContext, deadline_ms: number): Promise<CheckResult> {
  const started_ms = performance.now();
  const timeout_ms = Math.min(check.timeout_ms(context), deadline_ms);
  const abort = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const tooLate = new Promise<Finding>((resolve) => {
    timer = setTimeout(() => {
      abort.abort();
      resolve(failed(`gave no answer within ${timeout_ms} ms`));
    }, timeout_ms);
  });
  const answer = settle(() => check.find(context, abort.signal));
  const finding = await Promise.race([answer, tooLate]);
  clearTimeout(timer);
  abort.abort();
  return {
    name: check.name,
    decisive: check.decisive,
    outcome: finding.outcome,
    message: shorten(finding.message),
    duration_ms: Math.round(performance.now() - started_ms),
  };
}

/** Also catches what `find` throws before its first await. */
async function settle(find: () => Promise<Finding>): Promise<Finding> {
  try {
    return await find();
  } catch (error) {
    return failed(describeError(error));
  }
}

/** One line of bounded length: the verdict is a record, the log has the rest. */
function shorten(message: string): string {
  const line = message.replace(/\s+/g, ' ').trim();
  return line.length <= MESSAGE_MAX_LENGTH ? line : `${line.slice(0, MESSAGE_MAX_LENGTH - 1)}…`;
}
