import { Type as t } from '@sinclair/typebox';
import { writeFileAtomic } from '../../../../base/atomic-file.ts';
import { BulkheadError } from '../../../../base/errors.ts';
import { OneOf, Pattern, Unknowable } from '../../../../base/schema.ts';
import { takeUntrustedFile } from '../../../../base/take-file.ts';
import { type ActionName, type ActionParams, checkAction } from '../../actions.ts';
import { REQUEST_MAX_BYTES } from '../../limits.ts';

const HealingId = Pattern(/^h-[0-9a-f]{32}$/);

/** What the service of the site, which has no rights, asks root to do on this machine. */
const HealRequest = t.Object(
  {
    format: t.Literal(1),
    healing: HealingId,
    action: Pattern(/^[a-z0-9_]{1,64}$/),
    params: t.Record(Pattern(/^[a-z0-9_]{1,64}$/), t.String({ maxLength: 128 })),
  },
  { additionalProperties: false },
);
export type HealRequest = (typeof HealRequest)['static'];

/** What root says that it did. */
export const HealAnswer = t.Object({
  format: t.Literal(1),
  healing: HealingId,
  outcome: OneOf(['done', 'failed']),
  /** Of the error. */
  code: Unknowable(t.String()),
  message: t.String(),
});
export type HealAnswer = (typeof HealAnswer)['static'];

/** A request that root may carry out. */
export interface KnownRequest {
  healing: string;
  action: ActionName;
  params: ActionParams;
}

/** @throws what the file system throws */
export function writeHealRequest(path: string, request: HealRequest): void {
  writeFileAtomic(path, JSON.stringify(request));
}

/**
 * Takes the request away, whatever is in it, and holds it to the list of actions for the appliance.
 *
 * @throws BulkheadError HEALING_REQUEST_INVALID, HEALING_ACTION_UNKNOWN, HEALING_ACTION_PLATFORM, HEALING_ACTION_PARAMETERS
 */
export function takeHealRequest(path: string): KnownRequest {
  const { healing, action, params } = takeUntrustedFile(path, {
    schema: HealRequest,
    max_bytes: REQUEST_MAX_BYTES,
    refused: (why, cause) =>
      new BulkheadError(
        'HEALING_REQUEST_INVALID',
        `the request in ${path} is refused: ${why}`,
        cause === undefined ? {} : { cause },
      ),
  });
  return { healing, ...checkAction(action, 'appliance', params) };
}
