import { BulkheadError } from '../../base/errors.ts';
import { checkParameters } from '../../protocol/orders/order.ts';
import { ORDER_TYPES, type OrderType } from '../../protocol/orders/order-types.ts';
import { recordDeed } from '../audit/log.ts';
import { type Coordinator, newId } from '../context.ts';
import type { OrderRow, OrderState, Work } from '../database/tables.ts';
import { ORDER_LIFE_MS, ORDERS_OPEN_MAX } from '../limits.ts';
import { writeChange } from './change.ts';
import { afterCancel, DEAD_STATES, OPEN_STATES } from './machine.ts';

export interface NewOrder {
  device_id: string;
  type: OrderType;
  parameters: Record<string, unknown>;
  reason?: string | undefined;
  not_before_ms?: number | undefined;
  expires_ms?: number | undefined;
  timeout_s?: number | undefined;
  attempts_max?: number | undefined;
}

/** Orders that give somebody the machine, or take it away: an administrator's. */
const ADMIN_ORDERS: ReadonlySet<string> = new Set<OrderType>([
  'reprovision',
  'enable_emergency_access',
  'update_credentials',
]);

/** What it takes to give an order of a type. */
export function scopeOfOrder(type: string): 'order' | 'admin' {
  return ADMIN_ORDERS.has(type) ? 'admin' : 'order';
}

/**
 * Queues an order; it is signed when the device fetches it.
 *
 * @param actor as the audit log names who asks
 * @throws BulkheadError ORDER_PARAMETERS, DEVICE_UNKNOWN, ORDERS_TOO_MANY, ORDER_TIMES
 */
export async function createOrder(
  coordinator: Coordinator,
  work: Work,
  actor: string,
  wanted: NewOrder,
): Promise<OrderRow> {
  checkParameters(wanted.type, wanted.parameters);
  const now_ms = coordinator.now_ms();
  const not_before_ms = wanted.not_before_ms ?? now_ms;
  const expires_ms = wanted.expires_ms ?? Math.max(not_before_ms, now_ms) + ORDER_LIFE_MS;
  if (expires_ms <= Math.max(not_before_ms, now_ms))
    throw new BulkheadError('ORDER_TIMES', 'the order would be over before it begins');
  await requireRoom(work, wanted.device_id);
  const facts = ORDER_TYPES[wanted.type];
  const order: OrderRow = {
    ...{ id: newId(coordinator), device_id: wanted.device_id, type: wanted.type, state: 'queued' },
    ...{ parameters: JSON.stringify(wanted.parameters), attempt: 1, hand_outs: 0 },
    ...{
      attempts_max: wanted.attempts_max ?? facts.attempts_max,
      timeout_s: wanted.timeout_s ?? facts.timeout_s,
    },
    ...{ not_before_ms, expires_ms, due_ms: expires_ms, reason: wanted.reason ?? null },
    ...{ created_ms: now_ms, created_by: actor, accepted_ms: null, ended_ms: null },
    ...{ result_code: null, result_message: null, result_facts: null, window: null },
  };
  await work.insertInto('orders').values(order).execute();
  await recordDeed(work, now_ms, {
    ...{ actor, action: 'order.create', subject: `order:${order.id}` },
    details: { device_id: order.device_id, type: order.type, reason: order.reason },
  });
  return order;
}

/** @throws BulkheadError DEVICE_UNKNOWN, ORDERS_TOO_MANY */
async function requireRoom(work: Work, device_id: string): Promise<void> {
  const device = await work
    .selectFrom('devices')
    .select('state')
    .where('id', '=', device_id)
    .executeTakeFirst();
  if (device?.state !== 'approved')
    throw new BulkheadError('DEVICE_UNKNOWN', `there is no approved device ${device_id}`);
  const open = await work
    .selectFrom('orders')
    .select((select) => select.fn.countAll<number>().as('count'))
    .where('device_id', '=', device_id)
    .where('state', 'in', [...OPEN_STATES])
    .executeTakeFirstOrThrow();
  if (Number(open.count) >= ORDERS_OPEN_MAX)
    throw new BulkheadError(
      'ORDERS_TOO_MANY',
      `${ORDERS_OPEN_MAX} orders of device ${device_id} have not ended yet`,
      {
        hint: 'cancel those that are not wanted any more',
      },
    );
}

/** @throws BulkheadError ORDER_UNKNOWN, ORDER_NOT_CANCELLABLE */
export async function cancelOrder(coordinator: Coordinator, actor: string, id: string): Promise<void> {
  await coordinator.doWork(async (work) => {
    const order = await work.selectFrom('orders').selectAll().where('id', '=', id).executeTakeFirst();
    if (!order) throw new BulkheadError('ORDER_UNKNOWN', `there is no order ${id}`);
    const change = afterCancel(order);
    if (!change || !(await writeChange(coordinator, work, order, change)))
      throw new BulkheadError(
        'ORDER_NOT_CANCELLABLE',
        `order ${id} is ${order.state} and cannot be taken back`,
      );
    await recordDeed(work, coordinator.now_ms(), { actor, action: 'order.cancel', subject: `order:${id}` });
  });
}

export interface OrderQuery {
  device_id?: string | undefined;
  state?: OrderState | undefined;
  /** Only those that ended without success. */
  dead?: boolean | undefined;
  /** Id of the last one of the page before. */
  before?: string | undefined;
  limit: number;
}

/** Orders, newest first. */
export async function listOrders({ database }: Coordinator, query: OrderQuery): Promise<OrderRow[]> {
  let rows = database.selectFrom('orders').selectAll().orderBy('id', 'desc').limit(query.limit);
  if (query.device_id !== undefined) rows = rows.where('device_id', '=', query.device_id);
  if (query.state !== undefined) rows = rows.where('state', '=', query.state);
  if (query.dead) rows = rows.where('state', 'in', [...DEAD_STATES]);
  if (query.before !== undefined) rows = rows.where('id', '<', query.before);
  return await rows.execute();
}

/** How many orders are in each state; a state that none is in is left out. */
export async function countOrders({ database }: Coordinator): Promise<Map<OrderState, number>> {
  const rows = await database
    .selectFrom('orders')
    .select((select) => ['state', select.fn.countAll<number>().as('count')])
    .groupBy('state')
    .execute();
  return new Map(rows.map(({ state, count }) => [state, Number(count)]));
}

/** @throws BulkheadError ORDER_UNKNOWN */
export async function readOrder({ database }: Coordinator, id: string) {
  const order = await database.selectFrom('orders').selectAll().where('id', '=', id).executeTakeFirst();
  if (!order) throw new BulkheadError('ORDER_UNKNOWN', `there is no order ${id}`);
  const events = await database
    .selectFrom('order_events')
    .select(['at_ms', 'state', 'attempt', 'code', 'message'])
    .where('order_id', '=', id)
    .orderBy('id')
    .execute();
  const pieces = await database
    .selectFrom('order_logs')
    .select(['attempt', 'position', 'text'])
    .where('order_id', '=', id)
    .orderBy('attempt')
    .orderBy('position')
    .execute();
  const log = [...Map.groupBy(pieces, ({ attempt }) => attempt)].map(([attempt, list]) => ({
    attempt,
    text: list.map(({ text }) => text).join(''),
  }));
  return { order, events, log };
}
