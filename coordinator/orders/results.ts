import { BulkheadError } from '../../base/errors.ts';
import type { OrderLogPiece, OrderResult } from '../../protocol/orders/result.ts';
import type { Coordinator } from '../context.ts';
import type { OrderRow, Work } from '../database/tables.ts';
import { ORDER_LOG_MAX, SWEEP_MAX } from '../limits.ts';
import { type Claim, takeClaim } from '../reports/claim.ts';
import { writeChange } from './change.ts';
import { afterResult, afterTime, OPEN_STATES } from './machine.ts';

/**
 * What a device says of an order of its own. The same twice is taken twice and changes nothing the second time.
 *
 * @throws BulkheadError AGENT_KEY_REVOKED, AGENT_REPLAY, DEVICE_PENDING, ORDER_UNKNOWN, ORDER_CHANGED
 */
export async function takeResult(
  coordinator: Coordinator,
  claim: Claim,
  id: string,
  result: OrderResult,
): Promise<void> {
  const now_ms = coordinator.now_ms();
  await coordinator.doWork(async (work) => {
    await takeClaim(work, claim, now_ms);
    const order = await ownOrder(work, claim, id);
    const change = afterResult(order, { attempt: result.attempt, outcome: result.state }, now_ms);
    if (!change) return;
    const { code, message } = result;
    const facts = result.facts === undefined ? undefined : JSON.stringify(result.facts);
    if (!(await writeChange(coordinator, work, order, change, { code, message, facts })))
      throw new BulkheadError('ORDER_CHANGED', `order ${id} was changed at the same time`, {
        hint: 'send the result again',
      });
  });
}

/**
 * One piece of the log of an attempt; a piece that is there already is left as it is.
 *
 * @throws BulkheadError AGENT_KEY_REVOKED, AGENT_REPLAY, DEVICE_PENDING, ORDER_UNKNOWN, ORDER_LOG_FULL
 */
export async function takeLog(
  coordinator: Coordinator,
  claim: Claim,
  id: string,
  piece: OrderLogPiece,
): Promise<void> {
  const now_ms = coordinator.now_ms();
  const { attempt, offset: position, text } = piece;
  if (position + text.length > ORDER_LOG_MAX)
    throw new BulkheadError('ORDER_LOG_FULL', `the log of an order has at most ${ORDER_LOG_MAX} characters`);
  await coordinator.doWork(async (work) => {
    await takeClaim(work, claim, now_ms);
    await ownOrder(work, claim, id);
    await work
      .insertInto('order_logs')
      .values({ order_id: id, attempt, position, text, received_ms: now_ms })
      .onConflict((conflict) => conflict.columns(['order_id', 'attempt', 'position']).doNothing())
      .execute();
  });
}

/**
 * Deadlines that have passed. Any number of coordinators may do this at once: each change is written by one of them.
 *
 * @returns how many orders changed; at most SWEEP_MAX at a time
 */
export async function sweepOrders(coordinator: Coordinator): Promise<number> {
  const now_ms = coordinator.now_ms();
  const due = await coordinator.database
    .selectFrom('orders')
    .selectAll()
    .where('state', 'in', [...OPEN_STATES])
    .where('due_ms', '<=', now_ms)
    .orderBy('due_ms')
    .orderBy('id')
    .limit(SWEEP_MAX)
    .execute();
  if (due.length === 0) return 0;
  let changed = 0;
  await coordinator.doWork(async (work) => {
    for (const order of due) {
      const change = afterTime(order, now_ms);
      if (change && (await writeChange(coordinator, work, order, change, { message: 'its time has passed' })))
        changed += 1;
    }
  });
  return changed;
}

/** @throws BulkheadError ORDER_UNKNOWN: of another device it says no more than that */
async function ownOrder(work: Work, { device_id }: Claim, id: string): Promise<OrderRow> {
  const order = await work
    .selectFrom('orders')
    .selectAll()
    .where('id', '=', id)
    .where('device_id', '=', device_id)
    .executeTakeFirst();
  if (!order) throw new BulkheadError('ORDER_UNKNOWN', `there is no order ${id}`);
  return order;
}
