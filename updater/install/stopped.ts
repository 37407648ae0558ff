import { BulkheadError } from '../../base/errors.ts';

/** Ends an update because its caller wants no more. @throws BulkheadError UPDATE_STOPPED when the signal has come */
export function throwIfStopped(signal: AbortSignal | undefined): void {
  if (!signal?.aborted) return;
  throw new BulkheadError('UPDATE_STOPPED', 'the update was stopped; the running slot is as it was', {
    hint: 'the same command goes on where it stopped',
  });
}
