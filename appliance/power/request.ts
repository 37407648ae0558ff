import { Type as t } from '@sinclair/typebox';
import { writeFileAtomic } from '../../base/atomic-file.ts';
import { BulkheadError } from '../../base/errors.ts';
import { OneOf, Pattern, Unknowable } from '../../base/schema.ts';
import { takeUntrustedFile } from '../../base/take-file.ts';
import { OrderName } from '../../updater/state/records.ts';
import { POWER_REQUEST_MAX_BYTES, REASON_MAX } from './limits.ts';

/** What the unprivileged agent may ask for beside an update: a reboot, or a return to the slot before. */
export const PowerRequest = t.Object(
  {
    format: t.Literal(1),
    order: OrderName,
    action: OneOf(['reboot', 'rollback']),
    /** What a return has to lead to; null: whatever is in the other slot. */
    to_version: Unknowable(Pattern(/^[0-9A-Za-z][0-9A-Za-z.+-]{0,63}$/)),
    /** Of a return: no maintenance window is waited for. Whoever asks for a reboot has waited. */
    at_once: t.Boolean(),
    reason: t.String({ maxLength: REASON_MAX }),
  },
  { additionalProperties: false },
);
export type PowerRequest = (typeof PowerRequest)['static'];

/** What became of it, for the agent. */
export const PowerAnswer = t.Object({
  format: t.Literal(1),
  order: OrderName,
  outcome: OneOf(['done', 'failed']),
  /** Of the error. */
  code: Unknowable(t.String()),
  message: t.String(),
});
export type PowerAnswer = (typeof PowerAnswer)['static'];

/** @throws what the file system throws */
export function writePowerRequest(path: string, request: PowerRequest): void {
  writeFileAtomic(path, JSON.stringify(request));
}

/** Takes the request away, whatever is in it. @throws BulkheadError POWER_REQUEST_INVALID */
export function takePowerRequest(path: string): PowerRequest {
  return takeUntrustedFile(path, {
    schema: PowerRequest,
    max_bytes: POWER_REQUEST_MAX_BYTES,
    refused: (why, cause) =>
      new BulkheadError('POWER_REQUEST_INVALID', `the request in ${path} is refused: ${why}`, {
        ...(cause === undefined ? {} : { cause }),
      }),
  });
}
