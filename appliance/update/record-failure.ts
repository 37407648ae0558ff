import { BulkheadError, describeError } from '../../base/errors.ts';
import { appendHistory } from '../../updater/state/history.ts';
import type { PastUpdate, UpdateProgress } from '../../updater/state/records.ts';
import type { RunningRelease } from './running-release.ts';
import type { UpdateTools } from './update-tools.ts';

type Reached = Pick<UpdateProgress, 'version' | 'method' | 'fetched_bytes'>;

/** The line of the history about an update that failed before it was tried. Pure. */
export function failedEntry(
  { manifest, target }: RunningRelease,
  error: unknown,
  now: Date,
  reached: Reached = { version: null, method: null, fetched_bytes: 0 },
  order?: string,
): PastUpdate {
  return {
    at: now.toISOString(),
    outcome: 'failed',
    version: reached.version,
    from_version: manifest.version,
    slot: target.slot,
    root_hash: null,
    method: reached.method,
    fetched_bytes: reached.fetched_bytes,
    reason: describeError(error),
    console_tail: [],
    code: error instanceof BulkheadError ? error.code : 'INTERNAL',
    ...(order === undefined ? {} : { order }),
  };
}

/**
 * Failing updates that nobody notices are how fleets rot: the page, the CLI and the coordinator read the history.
 * Never throws: where the history cannot be written, the failure itself is still the one to tell.
 *
 * @param warn told when the history could not be written
 */
export function recordFailure(tools: UpdateTools, entry: PastUpdate, warn: (message: string) => void): void {
  try {
    appendHistory(tools.paths.history, entry);
  } catch (error) {
    warn(describeError(error));
  }
}
