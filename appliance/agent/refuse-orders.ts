import { BulkheadError } from '../../base/errors.ts';
import { openOrder } from '../../protocol/orders/order.ts';
import type { OrderRunner, Outbox } from '../link/interfaces.ts';

/** Does no orders, and says so: what is acknowledged and not done is believed to be under way. */
export function refuseOrders(outbox: Outbox): OrderRunner {
  return {
    take(envelopes, { keys, key_id, now_ms }) {
      for (const envelope of envelopes) {
        try {
          const { id: order_id, attempt, type } = openOrder(envelope, keys, { key_id, now_ms });
          const code = 'ORDER_TYPE_UNKNOWN';
          const message = `this version does not do orders of type '${type}'`;
          const result = { attempt, state: 'refused', observed_at_ms: Date.now(), code, message } as const;
          outbox.put({ kind: 'result', order_id, result });
        } catch (error) {
          // What cannot be verified has no sender to be answered; the coordinator hands it out again, or gives it up.
          if (!(error instanceof BulkheadError)) throw error;
        }
      }
    },
    stop: async () => undefined,
  };
}
