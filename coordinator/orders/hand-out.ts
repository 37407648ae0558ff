import { randomBytes } from 'node:crypto';
import type { EnvelopeJson } from '../../base/signing/dsse.ts';
import { sealOrder } from '../../protocol/orders/order.ts';
import type { MaintenanceWindow } from '../../updater/maintenance-window.ts';
import type { Coordinator } from '../context.ts';
import { textList } from '../database/json-rows.ts';
import type { OrderRow, Work } from '../database/tables.ts';
import { ORDERS_PER_ANSWER_MAX } from '../limits.ts';
import type { Claim } from '../reports/claim.ts';
import { WindowClock } from '../rollouts/scene.ts';
import { writeChange } from './change.ts';
import { afterHandOut } from './machine.ts';

/**
 * Orders for devices that are asking, signed for the very key that asked. In the transaction of the heartbeat: an order is not
 * handed out twice because two coordinators were asked at once.
 *
 * @returns envelopes by device
 */
export async function handOut(
  coordinator: Coordinator,
  work: Work,
  claims: readonly Claim[],
): Promise<Map<string, EnvelopeJson[]>> {
  const found = new Map<string, EnvelopeJson[]>();
  if (claims.length === 0) return found;
  const keys = new Map(claims.map(({ device_id, key_id }) => [device_id, key_id]));
  const now_ms = coordinator.now_ms();
  const orders = await work
    .selectFrom('orders')
    .selectAll()
    .where('device_id', 'in', textList(coordinator.backend, [...keys.keys()]))
    .where('state', '=', 'queued')
    .where('not_before_ms', '<=', now_ms)
    .where('expires_ms', '>', now_ms)
    .orderBy('id')
    .execute();
  const windows = new WindowClock(now_ms);
  for (const order of orders) {
    const window = order.window === null ? null : (JSON.parse(order.window) as MaintenanceWindow);
    if (!windows.isOpen(window)) continue;
    const envelopes = found.get(order.device_id) ?? [];
    const target = keys.get(order.device_id);
    if (target === undefined || envelopes.length >= ORDERS_PER_ANSWER_MAX) continue;
    if (!(await writeChange(coordinator, work, order, afterHandOut(order, now_ms)))) continue;
    envelopes.push(seal(coordinator, order, target));
    found.set(order.device_id, envelopes);
  }
  return found;
}

function seal(coordinator: Coordinator, order: OrderRow, target: string): EnvelopeJson {
  const { id, type, attempt, not_before_ms, expires_ms, timeout_s } = order;
  const parameters = JSON.parse(order.parameters) as Record<string, unknown>;
  const nonce = randomBytes(16).toString('hex');
  return sealOrder(
    { format: 1, id, type, parameters, target, attempt, nonce, not_before_ms, expires_ms, timeout_s },
    coordinator.orderKey,
  );
}
