import { status } from '@grpc/grpc-js';
import { BulkheadError, describeError } from '../../../../base/errors.ts';
import { BACKOFF_FIRST_MS, BACKOFF_MAX_MS, REFUSED_RETRY_MS, WAITING_RETRY_MS } from './limits.ts';

/** What a failed conversation means: it is tried `again`; a person has to let us in (`waiting`) or to change something (`refused`). */
export type Reaction = 'again' | 'waiting' | 'refused';

export interface Failure {
  reaction: Reaction;
  /** For people: what happened. */
  why: string;
}

/** @param error of grpc-js or our own @param registering whether it was the answer to a registration without a certificate */
export function judgeFailure(error: unknown, registering: boolean): Failure {
  const code =
    error instanceof Error && 'code' in error && typeof error.code === 'number' ? error.code : null;
  const details = error instanceof Error && 'details' in error ? String(error.details) : '';
  if (code === null)
    return {
      reaction: error instanceof BulkheadError && REFUSING.includes(error.code) ? 'refused' : 'again',
      why: describeError(error),
    };
  const why = `${status[code] ?? code}${details === '' ? '' : `: ${details}`}`;
  if (registering && code === status.FAILED_PRECONDITION) return { reaction: 'waiting', why };
  const refused: number[] = [status.UNAUTHENTICATED, status.PERMISSION_DENIED];
  if (registering) refused.push(status.INVALID_ARGUMENT, status.NOT_FOUND);
  return { reaction: refused.includes(code) ? 'refused' : 'again', why };
}

/** Ours that no waiting mends. */
const REFUSING = ['SENSOR_AUTHORITY_OTHER', 'SENSOR_AUTHORITY_UNREADABLE'];

/**
 * How long to wait before the next try. Exponential with full jitter; where a person has to act, at an even pace.
 *
 * @param failures in a row, this one counted
 * @param random 0 to 1
 */
export function pause_ms({ reaction }: Failure, failures: number, random: number): number {
  if (reaction === 'waiting') return Math.round(WAITING_RETRY_MS * (0.5 + random));
  if (reaction === 'refused') return Math.round(REFUSED_RETRY_MS * (0.5 + random / 2));
  return Math.round(random * Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** Math.min(failures - 1, 30)));
}
