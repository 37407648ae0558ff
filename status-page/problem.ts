import { Type as t } from '@sinclair/typebox';
import { BulkheadError } from '../base/errors.ts';

/** What a program gets instead of an answer; `code` is one of docs/reference/errors.md. */
export const Problem = t.Object({
  error: t.Object({
    code: t.String({ description: 'fixed, e.g. STATUS_SOURCE_FAILED' }),
    message: t.String({ description: 'one sentence for people' }),
    hint: t.Union([t.String(), t.Null()], { description: 'what the reader can do' }),
  }),
});

const LOOK_HINT =
  'on the appliance, journalctl -u compliance-agent tells why; the page tries again by itself';

const HTTP_STATUS: Record<string, number> = {
  STATUS_ROUTE_UNKNOWN: 404,
  STATUS_METHOD_NOT_ALLOWED: 405,
  STATUS_FORM_ORIGIN: 403,
  STATUS_FORM_TYPE: 415,
  STATUS_FORM_SIZE: 413,
  STATUS_FORM_FIELD: 422,
  STATUS_INTERNAL: 500,
};

/** The HTTP status that goes with an error: 4xx for the caller's mistakes, 500 for ours, 503 for what may pass. */
export function httpStatusOf(problem: BulkheadError): number {
  return HTTP_STATUS[problem.code] ?? 503;
}

export function problemBody(problem: BulkheadError) {
  return { error: { code: problem.code, message: problem.message, hint: problem.hint ?? null } };
}

export const sourceFailed = (cause: unknown) =>
  new BulkheadError('STATUS_SOURCE_FAILED', 'The agent could not tell the state of this appliance.', {
    hint: LOOK_HINT,
    cause,
  });

/** Errors of this part are fit to be read by anyone; of all others only that they happened, their words go to the log. */
export function asProblem(error: unknown): BulkheadError {
  const ours = error instanceof BulkheadError && error.code.startsWith('STATUS_');
  return ours ? error : sourceFailed(error);
}

export const sourceTooSlow = (timeout_ms: number) =>
  new BulkheadError('STATUS_SOURCE_TIMEOUT', `The agent gave no status within ${timeout_ms / 1000} s.`, {
    hint: LOOK_HINT,
  });

export const complianceFailed = (cause: unknown) =>
  new BulkheadError('STATUS_COMPLIANCE_FAILED', 'The appliance could not tell how far it is compliant.', {
    hint: 'on the appliance, systemctl status bulkhead-site tells how the service is that looks; the status page works without it',
    cause,
  });

export const siteFailed = (cause: unknown) =>
  new BulkheadError('STATUS_SITE_FAILED', 'The appliance could not tell how the site is.', {
    hint: 'on the appliance, systemctl status bulkhead-site tells how the service of the site is; the status page works without it',
    cause,
  });

export const formElsewhere = () =>
  new BulkheadError('STATUS_FORM_ORIGIN', 'This form was not sent from a page of this appliance.', {
    hint: 'open /site on the appliance itself and fill it in there; at a command line: bulkhead sensors admit',
  });

export const formType = () =>
  new BulkheadError('STATUS_FORM_TYPE', 'This is not the form of this page.', {
    hint: 'send application/x-www-form-urlencoded',
  });

export const formTooLarge = () =>
  new BulkheadError('STATUS_FORM_SIZE', 'This is longer than the form of this page can be.', {
    hint: 'it has three short fields',
  });

export const formField = (message: string, hint: string) =>
  new BulkheadError('STATUS_FORM_FIELD', message, { hint });

/** @param where path of the first field that breaks the schema; its value is kept out, it may be anything */
export const statusInvalid = (where: string) =>
  new BulkheadError('STATUS_INVALID', `The agent gave a status that breaks its own schema at ${where}.`, {
    hint: 'this is a fault in the program; please report it with its version',
  });

export const eventsFull = (clients: number) =>
  new BulkheadError('STATUS_EVENTS_FULL', `All ${clients} live streams of this appliance are in use.`, {
    hint: 'close a page that shows this appliance, or read /api/v1/status',
  });

export const routeUnknown = () =>
  new BulkheadError('STATUS_ROUTE_UNKNOWN', 'There is nothing at this address.', {
    hint: 'the status page is at /, everything else is listed in /openapi.json',
  });

export const methodNotAllowed = () =>
  new BulkheadError('STATUS_METHOD_NOT_ALLOWED', 'This page can only be read.', { hint: 'use GET or HEAD' });

export const internalError = (cause: unknown) =>
  new BulkheadError('STATUS_INTERNAL', 'The status page failed to answer.', { hint: LOOK_HINT, cause });
