import type { BulkheadError } from '../../base/errors.ts';
import { SignInLocked } from '../people/failures.ts';
import { TooMany } from '../reports/rate-limit.ts';
import { httpStatusOf, problemBody } from './problem.ts';

/** The answer to a request that was refused. @param more fields beside `error` */
export function refuse(problem: BulkheadError, more: Readonly<Record<string, unknown>> = {}): Response {
  const headers = new Headers();
  if (problem instanceof SignInLocked || problem instanceof TooMany)
    headers.set('retry-after', String(problem.retry_after_s));
  if (problem.code === 'UNAUTHENTICATED') headers.set('www-authenticate', 'Bearer');
  return Response.json({ ...problemBody(problem), ...more }, { status: httpStatusOf(problem), headers });
}
