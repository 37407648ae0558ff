import { type Coordinator, newId } from '../context.ts';
import type { OrderRow, Work } from '../database/tables.ts';
import type { OrderChange } from './machine.ts';

/** What is known of why. */
export interface ChangeWords {
  code?: string | undefined;
  message?: string | undefined;
  /** JSON. */
  facts?: string | undefined;
}

/**
 * Writes a decision down, if the order is still what it was decided for; the event beside it tells the history.
 *
 * @returns false when somebody else was first
 */
export async function writeChange(
  coordinator: Coordinator,
  work: Work,
  order: OrderRow,
  { ended, ...change }: OrderChange,
  words: ChangeWords = {},
): Promise<boolean> {
  const now_ms = coordinator.now_ms();
  const { code = null, message = null, facts = null } = words;
  const { numUpdatedRows } = await work
    .updateTable('orders')
    .set({
      ...change,
      ...(change.state === 'accepted' ? { accepted_ms: now_ms } : {}),
      ...(ended ? { ended_ms: now_ms, result_code: code, result_message: message, result_facts: facts } : {}),
    })
    .where('id', '=', order.id)
    .where('state', '=', order.state)
    .where('attempt', '=', order.attempt)
    .where('hand_outs', '=', order.hand_outs)
    .executeTakeFirst();
  if (numUpdatedRows === 0n) return false;
  await work
    .insertInto('order_events')
    .values({
      id: newId(coordinator),
      order_id: order.id,
      at_ms: now_ms,
      state: change.state,
      attempt: order.attempt,
      code,
      message,
    })
    .execute();
  if (ended) coordinator.metrics.orderEnded(order.type, change.state);
  return true;
}
