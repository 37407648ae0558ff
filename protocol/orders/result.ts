import { type Static, Type as t } from '@sinclair/typebox';
import { OneOf } from '../../base/schema.ts';
import { ORDER_LOG_PIECE_MAX, RESULT_MESSAGE_MAX } from '../limits.ts';
import { TimeMs } from '../messages/parts.ts';

/** Code of the result `failed` of an update that was tried and came back on the version before; its message says why. */
export const ROLLED_BACK_CODE = 'UPDATE_ROLLED_BACK';

/**
 * POST /agent/orders/{id}/result. `accepted`: written down on the appliance, will be done once. `refused`: will not be done.
 * The others say what was observed. The same result may arrive twice.
 */
export const OrderResult = t.Object({
  attempt: t.Integer({ minimum: 1 }),
  state: OneOf(['accepted', 'refused', 'succeeded', 'failed']),
  observed_at_ms: TimeMs,
  /** Fixed code of what went wrong, as in the error reference. */
  code: t.Optional(t.String({ maxLength: 64, pattern: '^[A-Z][A-Z0-9_]*$' })),
  message: t.Optional(t.String({ maxLength: RESULT_MESSAGE_MAX })),
  /** What was observed: versions, counts, lists. */
  facts: t.Optional(t.Record(t.String({ maxLength: 64 }), t.Unknown())),
});
export type OrderResult = Static<typeof OrderResult>;

/** POST /agent/orders/{id}/log: pieces in order, each at the place it belongs. */
export const OrderLogPiece = t.Object({
  attempt: t.Integer({ minimum: 1 }),
  /** Position of the first character in the whole log. */
  offset: t.Integer({ minimum: 0 }),
  text: t.String({ minLength: 1, maxLength: ORDER_LOG_PIECE_MAX }),
});
export type OrderLogPiece = Static<typeof OrderLogPiece>;
