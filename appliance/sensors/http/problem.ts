import { Type as t } from '@sinclair/typebox';
import { BulkheadError } from '../../../base/errors.ts';
import { TooMany } from '../../../base/rate-limit.ts';
import { BUSY_RETRY_S, FULL_RETRY_S } from './limits.ts';

/** What a sensor gets instead of an answer; `code` is one of docs/reference/errors.md. */
export const Problem = t.Object({
  error: t.Object({
    code: t.String({ description: 'fixed, e.g. SENSOR_KEY_UNKNOWN' }),
    message: t.String({ description: 'one sentence for people' }),
    hint: t.Union([t.String(), t.Null()], { description: 'what the reader can do' }),
  }),
  server_time: t.Integer({ description: 'Unix seconds: a sensor whose clock is off signs by this' }),
});

/** HTTP status of every error that a sensor is told of; all others are ours: 500, with their words in the log alone. */
const HTTP_STATUS: Readonly<Record<string, number>> = {
  SENSOR_REQUEST_INVALID: 400,
  SENSOR_CLAIM_INVALID: 400,
  SENSOR_CLAIM_MISSING: 400,
  SENSOR_FIELD: 400,
  DETECTION_INVALID: 400,
  SENSOR_UNAUTHENTICATED: 401,
  SENSOR_KEY_UNKNOWN: 401,
  SENSOR_SIGNATURE: 401,
  SENSOR_CLOCK: 401,
  SENSOR_CODE_UNKNOWN: 403,
  SENSOR_REFUSED: 403,
  SENSOR_REVOKED: 403,
  SENSOR_PROGRAM_UNKNOWN: 404,
  SENSOR_ROUTE_UNKNOWN: 404,
  SENSOR_REPLAYED: 409,
  FINDING_CHECKS_MAX: 409,
  SENSOR_BODY_TOO_LARGE: 413,
  TOO_MANY_REQUESTS: 429,
  SENSOR_BLOCKED: 429,
  SENSOR_WAITING_FULL: 429,
  SENSOR_INTERNAL: 500,
  SITE_BUSY: 503,
  SITE_STORE_STOPPED: 503,
  SITE_STORE_FAILED: 503,
  EVIDENCE_FAILED: 503,
  EVIDENCE_FULL: 507,
  SENSORS_MAX: 507,
  SITE_STORE_FULL: 507,
};

/** When it is worth to come again. */
const RETRY_S: Readonly<Record<number, number>> = { 429: FULL_RETRY_S, 503: BUSY_RETRY_S, 507: FULL_RETRY_S };

/** Errors that are fit to be read by a sensor; of all others only that they happened. */
export function asProblem(error: unknown): BulkheadError {
  if (error instanceof BulkheadError && error.code in HTTP_STATUS) return error;
  return new BulkheadError('SENSOR_INTERNAL', 'the appliance failed to answer', {
    cause: error,
    hint: 'send it again; on the appliance, journalctl -u bulkhead-site tells why',
  });
}

/** The answer to a request that was refused. */
export function refuse(problem: BulkheadError, now_ms: number): Response {
  const { code, message, hint } = problem;
  const status = HTTP_STATUS[code] ?? 500;
  const headers = new Headers();
  const retry_s = problem instanceof TooMany ? problem.retry_after_s : RETRY_S[status];
  if (retry_s !== undefined) headers.set('retry-after', String(retry_s));
  if (status === 401) headers.set('www-authenticate', 'Bearer, Bulkhead-HMAC-SHA256');
  const server_time = Math.floor(now_ms / 1000);
  return Response.json({ error: { code, message, hint: hint ?? null }, server_time }, { status, headers });
}

export const requestInvalid = (why: string, cause?: unknown) =>
  new BulkheadError('SENSOR_REQUEST_INVALID', `the request does not fit: ${why}`, {
    hint: '/openapi.json says what is expected',
    cause,
  });

export const routeUnknown = () =>
  new BulkheadError('SENSOR_ROUTE_UNKNOWN', 'there is nothing at this address', {
    hint: '/openapi.json lists what there is',
  });

export const bodyTooLarge = (max_bytes: number) =>
  new BulkheadError('SENSOR_BODY_TOO_LARGE', `a body has at most ${max_bytes} bytes`, {
    hint: 'send less detail, or several events',
  });
