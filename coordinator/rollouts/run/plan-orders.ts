import { BulkheadError } from '../../../base/errors.ts';
import { ORDER_TYPES, type OrderType } from '../../../protocol/orders/order-types.ts';
import { type Coordinator, newId } from '../../context.ts';
import type { RolloutRow } from '../../database/release-tables.ts';
import type { OrderRow, Work } from '../../database/tables.ts';
import { writeChange } from '../../orders/change.ts';
import { afterCancel } from '../../orders/machine.ts';
import type { Plan, PlannedOrder } from '../plan.ts';

/**
 * Makes the orders of a plan, each with one attempt: whether a failure is worth another one is for the planner.
 *
 * @throws BulkheadError ROLLOUT_RELEASE
 */
export async function makeOrders(
  coordinator: Coordinator,
  work: Work,
  rollout: RolloutRow,
  plan: Plan,
  planned: readonly PlannedOrder[],
): Promise<void> {
  const bundles = new Map<string, Bundle>();
  for (const version of new Set(planned.filter(({ type }) => type === 'update').map(({ to }) => to)))
    bundles.set(version, await findBundle(work, version));
  for (const order of planned) {
    const { id: planned_id, appliance: device_id, to: version } = order;
    const order_id = newId(coordinator);
    const made = await work
      .insertInto('rollout_orders')
      .values({ planned_id, order_id, rollout_id: rollout.id, device_id, plan_id: plan.id, version })
      .onConflict((conflict) => conflict.column('planned_id').doNothing())
      .executeTakeFirst();
    if (made.numInsertedOrUpdatedRows === 0n) continue;
    const parameters =
      order.type === 'update'
        ? updateParameters(order, bundles.get(version))
        : { to_version: version, reason: `rollout ${rollout.name} is rolled back`, reboot: 'in_window' };
    await work
      .insertInto('orders')
      .values(orderRow(rollout, plan, order, order_id, parameters))
      .execute();
  }
}

/** Takes back what nobody has fetched yet; what was handed out goes on. */
export async function withdrawOrders(
  coordinator: Coordinator,
  work: Work,
  planned_ids: readonly string[],
): Promise<void> {
  for (const planned_id of planned_ids) {
    const order = await work
      .selectFrom('orders')
      .innerJoin('rollout_orders', 'rollout_orders.order_id', 'orders.id')
      .selectAll('orders')
      .where('planned_id', '=', planned_id)
      .where('orders.state', '=', 'queued')
      .where('hand_outs', '=', 0)
      .where('attempt', '=', 1)
      .executeTakeFirst();
    const change = order && afterCancel(order);
    if (order && change)
      await writeChange(coordinator, work, order, change, { message: 'its rollout took it back' });
  }
}

interface Bundle {
  sha256: string;
  size_bytes: number;
}

async function findBundle(work: Work, version: string): Promise<Bundle> {
  const file = await work
    .selectFrom('releases')
    .innerJoin('release_files', 'release_files.release_id', 'releases.id')
    .select(['release_files.sha256', 'release_files.size_bytes'])
    .where('releases.version', '=', version)
    .where('releases.withdrawn_ms', 'is', null)
    .where('release_files.suffix', '=', '')
    .executeTakeFirst();
  if (file) return file;
  throw new BulkheadError('ROLLOUT_RELEASE', `there is no release ${version}, or it was withdrawn`, {
    hint: "'bulkhead-coordinator release list' shows what there is",
  });
}

function updateParameters({ to, retry_rejected, allow_downgrade }: PlannedOrder, bundle: Bundle | undefined) {
  return {
    version: to,
    bundle: { ...bundle, urls: [`/artifacts/${bundle?.sha256}`] },
    // The appliance's own window; without one at once.
    reboot: 'in_window',
    ...(retry_rejected ? { retry: true } : {}),
    ...(allow_downgrade ? { allow_downgrade: true } : {}),
  };
}

function orderRow(
  rollout: RolloutRow,
  plan: Plan,
  { appliance: device_id, type, window, not_after_ms: expires_ms }: PlannedOrder,
  id: string,
  parameters: object,
): OrderRow {
  const kind: OrderType = type;
  const left_s = Math.max(1, Math.ceil((expires_ms - plan.at_ms) / 1000));
  return {
    ...{ id, device_id, type: kind, parameters: JSON.stringify(parameters), state: 'queued', attempt: 1 },
    ...{ attempts_max: 1, hand_outs: 0, timeout_s: Math.max(left_s, ORDER_TYPES[kind].timeout_s) },
    ...{ not_before_ms: plan.at_ms, expires_ms, due_ms: expires_ms, reason: `rollout ${rollout.name}` },
    ...{ created_ms: plan.at_ms, created_by: `rollout:${rollout.id}`, accepted_ms: null, ended_ms: null },
    ...{ result_code: null, result_message: null, result_facts: null },
    window: window === null ? null : JSON.stringify(window),
  };
}
