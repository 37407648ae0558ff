import { Type as t } from '@sinclair/typebox';
import { writeFileAtomic } from '../../base/atomic-file.ts';
import { BulkheadError } from '../../base/errors.ts';
import { Pattern } from '../../base/schema.ts';
import { takeUntrustedFile } from '../../base/take-file.ts';
import { OrderName } from '../../updater/state/records.ts';
import { REQUEST_MAX_BYTES } from './limits.ts';

/** What an order of the coordinator says of the release, beside where it lies. */
const OrderedUpdate = t.Object(
  {
    name: OrderName,
    version: Pattern(/^[0-9A-Za-z][0-9A-Za-z.+-]{0,63}$/),
    size_bytes: t.Integer({ minimum: 1 }),
    at_once: t.Boolean({ description: 'no maintenance window is waited for' }),
    retry_rejected: t.Boolean(),
    allow_downgrade: t.Boolean(),
  },
  { additionalProperties: false },
);
export type OrderedUpdate = (typeof OrderedUpdate)['static'];

/**
 * What the unprivileged agent may ask the updater for. Nothing in it can make a release acceptable that nobody signed, that has
 * expired, or that is for other hardware: who can write this file can ask for a signed release and for nothing else
 * (docs/decisions/0016-orders-on-the-appliance.md).
 */
export const UpdateRequestFile = t.Object(
  {
    format: t.Literal(1),
    urls: t.Array(Pattern(/^https?:\/\/[^\s]{1,2000}$/), { minItems: 1, maxItems: 8 }),
    delta_only: t.Boolean(),
    reboot: t.Boolean({ description: 'in the next maintenance window, or at once where there is none' }),
    order: t.Optional(OrderedUpdate),
  },
  { additionalProperties: false },
);
export type UpdateRequestFile = (typeof UpdateRequestFile)['static'];

/** A request that the service has taken and that has not ended yet. */
export const TakenRequest = t.Composite(
  [
    UpdateRequestFile,
    t.Object({
      starts: t.Integer({ minimum: 1, description: 'how often it was begun, this time included' }),
    }),
  ],
  { additionalProperties: false },
);
export type TakenRequest = (typeof TakenRequest)['static'];

/** @throws what the file system throws */
export function writeRequest(path: string, request: UpdateRequestFile): void {
  writeFileAtomic(path, JSON.stringify(request));
}

/**
 * Takes the request away, whatever is in it.
 *
 * @param keep puts a valid one away before it is gone from here
 * @throws BulkheadError UPDATE_REQUEST_INVALID
 */
export function takeRequest(path: string, keep?: (request: UpdateRequestFile) => void): UpdateRequestFile {
  return takeUntrustedFile(path, {
    schema: UpdateRequestFile,
    max_bytes: REQUEST_MAX_BYTES,
    ...(keep ? { keep } : {}),
    refused: (why, cause) =>
      new BulkheadError('UPDATE_REQUEST_INVALID', `the request in ${path} is refused: ${why}`, {
        ...(cause === undefined ? {} : { cause }),
      }),
  });
}
