import { Type as t } from '@sinclair/typebox';
import { BulkheadError } from '../../base/errors.ts';

/** What a program gets instead of an answer; `code` is one of docs/reference/errors.md. */
export const Problem = t.Object(
  {
    error: t.Object({
      code: t.String({ description: 'fixed, e.g. DEVICE_UNKNOWN' }),
      message: t.String({ description: 'one sentence for people' }),
      hint: t.Union([t.String(), t.Null()], { description: 'what the reader can do' }),
    }),
  },
  { $id: 'Problem' },
);

/** HTTP status of every error that the caller is told of; all others are ours: 500, with their words in the log alone. */
const HTTP_STATUS: Readonly<Record<string, number>> = {
  ROUTE_UNKNOWN: 404,
  REQUEST_INVALID: 400,
  UNAUTHENTICATED: 401,
  FORBIDDEN: 403,
  CROSS_SITE: 403,
  FORM_STALE: 403,
  COHORT_QUERY_INVALID: 400,
  SIGN_IN_FAILED: 401,
  SIGN_IN_LOCKED: 429,
  PASSWORD_TOO_SHORT: 400,
  PASSWORD_TOO_LONG: 400,
  TOKEN_UNKNOWN: 404,
  USER_UNKNOWN: 404,
  USER_EXISTS: 409,
  USER_LAST_ADMIN: 409,
  SIGNATURE_MISSING: 401,
  SIGNATURE_MALFORMED: 400,
  SIGNATURE_COMPONENT: 401,
  SIGNATURE_INCOMPLETE: 401,
  SIGNATURE_HOST: 401,
  SIGNATURE_TIME: 401,
  SIGNATURE_BODY: 401,
  SIGNATURE_WRONG: 401,
  SESSION_KEY_REFUSED: 401,
  SESSION_KEY_EXPIRED: 401,
  AGENT_KEY_UNKNOWN: 401,
  AGENT_KEY_REVOKED: 401,
  AGENT_KEY_INVALID: 400,
  AGENT_REPLAY: 409,
  TOO_MANY_REQUESTS: 429,
  DEVICE_PENDING: 401,
  DEVICE_REFUSED: 403,
  DEVICE_UNKNOWN: 404,
  DEVICE_NOT_PENDING: 409,
  DEVICE_ENDED: 409,
  ENROLMENT_CODE_UNKNOWN: 404,
  ROTATION_PROOF_WRONG: 400,
  ROTATION_KEY_USED: 409,
  ALARM_CLOSED: 409,
  ALARM_UNKNOWN: 404,
  ARTIFACT_KIND: 400,
  EVIDENCE_FORKED: 409,
  EVIDENCE_NOT_FORKED: 409,
  EVIDENCE_REFUSED: 409,
  EVIDENCE_UNKNOWN: 404,
  HEALING_RULES_INVALID: 400,
  HEALING_RULES_TOO_LARGE: 400,
  RULES_NONE: 404,
  FILTER_UNKNOWN: 404,
  FILTERS_TOO_MANY: 409,
  LIVE_STREAMS_FULL: 503,
  CHANNEL_ADDRESS: 400,
  CHANNEL_UNKNOWN: 404,
  CHANNELS_TOO_MANY: 409,
  DELIVERY_UNKNOWN: 404,
  ARTIFACT_UNKNOWN: 404,
  BODY_TOO_LARGE: 413,
  JOB_ENDED: 409,
  JOB_LOG_FULL: 413,
  JOB_NO_RULE: 409,
  JOB_OPEN: 409,
  JOB_TAKEN: 409,
  JOB_UNKNOWN: 404,
  JOBS_TOO_MANY: 409,
  POLICIES_TOO_MANY: 409,
  POLICY_RELEASE: 404,
  POLICY_UNKNOWN: 404,
  POLICY_WINDOW: 400,
  PROJECT_EXISTS: 409,
  PROJECT_REPOSITORY: 400,
  PROJECT_UNKNOWN: 404,
  PROJECTS_TOO_MANY: 409,
  RELEASE_BUNDLE_REFUSED: 400,
  RELEASE_EXISTS: 409,
  RELEASE_FILE_MISMATCH: 409,
  RELEASE_FLOOR: 400,
  RELEASE_KEYS_MISSING: 409,
  RELEASE_KEYS_REFUSED: 400,
  RELEASE_NOT_FULL: 409,
  RELEASE_UNKNOWN: 404,
  RELEASE_WITHDRAWN: 409,
  ROLLOUT_ACTION_REFUSED: 409,
  ROLLOUT_INVALID: 400,
  ROLLOUT_RELEASE: 409,
  ROLLOUT_UNKNOWN: 404,
  UPLOAD_DIGEST: 400,
  UPLOAD_OFFSET: 409,
  UPLOAD_TOO_LARGE: 413,
  UPLOAD_UNKNOWN: 404,
  UPLOADS_TOO_MANY: 409,
  WEBHOOK_UNVERIFIED: 401,
  ORDER_PARAMETERS: 400,
  ORDER_TIMES: 400,
  ORDER_UNKNOWN: 404,
  ORDER_CHANGED: 409,
  ORDER_NOT_CANCELLABLE: 409,
  ORDER_LOG_FULL: 413,
  ORDERS_TOO_MANY: 409,
};

export function httpStatusOf(problem: BulkheadError): number {
  return HTTP_STATUS[problem.code] ?? 500;
}

export function problemBody({ code, message, hint }: BulkheadError) {
  return { error: { code, message, hint: hint ?? null } };
}

const internalError = (cause: unknown) =>
  new BulkheadError('COORDINATOR_INTERNAL', 'the coordinator failed to answer', {
    hint: 'its log tells why',
    cause,
  });

export const routeUnknown = () =>
  new BulkheadError('ROUTE_UNKNOWN', 'there is nothing at this address', {
    hint: 'GET /openapi.json lists everything',
  });

export const bodyTooLarge = () =>
  new BulkheadError('BODY_TOO_LARGE', 'the body of this request is larger than any that is expected');

export const formStale = () =>
  new BulkheadError('FORM_STALE', 'this form belongs to another sign-in', {
    hint: 'nothing was done; send it again',
  });

export const requestInvalid = (what: string, cause?: unknown) =>
  new BulkheadError('REQUEST_INVALID', what, cause === undefined ? {} : { cause });

/** Errors that the caller may read; of all others only that they happened. */
export function asProblem(error: unknown): BulkheadError {
  return error instanceof BulkheadError && error.code in HTTP_STATUS ? error : internalError(error);
}
