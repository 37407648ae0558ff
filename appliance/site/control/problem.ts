import { Type as t } from '@sinclair/typebox';
import { BulkheadError } from '../../../base/errors.ts';

/** What goes over the control socket instead of an answer: an error as it was thrown, so that the one who asked throws it again. */
export const ControlProblem = t.Object({
  error: t.Object({
    code: t.String(),
    message: t.String(),
    hint: t.Union([t.String(), t.Null()]),
  }),
});
export type ControlProblem = (typeof ControlProblem)['static'];

/** The problem of any error; of those that are not ours only that they happened. */
export function controlProblem(error: unknown): ControlProblem {
  const { code, message, hint } =
    error instanceof BulkheadError
      ? error
      : new BulkheadError('SITE_INTERNAL', 'the service of the site met an error it does not know', {
          hint: "'journalctl -u bulkhead-site' tells which",
        });
  return { error: { code, message, hint: hint ?? null } };
}

/** The error that the service told. */
export function errorOf({ error }: ControlProblem): BulkheadError {
  return new BulkheadError(error.code, error.message, error.hint === null ? {} : { hint: error.hint });
}
