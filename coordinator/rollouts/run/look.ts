import type { Coordinator } from '../../context.ts';
import type { RolloutRow } from '../../database/release-tables.ts';
import { PAGE_MAX } from '../../limits.ts';
import { describePlan } from '../describe-plan.ts';
import type { PlanRecord } from '../effects.ts';
import { changeIntent, type RolloutAction } from '../intent.ts';
import type { FailureCode, Member, Plan } from '../plan.ts';
import { planRollout } from '../planner.ts';
import { findRollout, readSnapshot } from './read-scene.ts';

/** A rollout as people see it. */
export type RolloutView = Omit<RolloutRow, 'request' | 'revision' | 'settled'>;

export function viewRollout({ request: _, revision: __, settled: ___, ...row }: RolloutRow): RolloutView {
  return row;
}

/** Newest first. */
export async function listRollouts(
  { database }: Coordinator,
  {
    version,
    before,
    limit = PAGE_MAX,
  }: { version?: string; before?: string | undefined; limit?: number | undefined } = {},
): Promise<RolloutView[]> {
  let rows = database.selectFrom('rollouts').selectAll().orderBy('id', 'desc').limit(limit);
  if (version !== undefined) rows = rows.where('version', '=', version);
  if (before !== undefined) rows = rows.where('id', '<', before);
  return (await rows.execute()).map(viewRollout);
}

/** @throws BulkheadError ROLLOUT_UNKNOWN */
export async function readRollout({ database }: Coordinator, id: string) {
  const row = await findRollout(database, id);
  const counts = await database
    .selectFrom('rollout_members')
    .select((select) => ['stage', 'state', select.fn.countAll<number>().as('devices')])
    .where('rollout_id', '=', id)
    .groupBy(['stage', 'state'])
    .orderBy('stage')
    .orderBy('state')
    .execute();
  const newest =
    row.plan_id === null
      ? undefined
      : await database
          .selectFrom('rollout_plans')
          .select('record')
          .where('id', '=', row.plan_id)
          .executeTakeFirst();
  const plan = newest && (JSON.parse(newest.record) as PlanRecord);
  return {
    ...viewRollout(row),
    definition: JSON.parse(row.request) as Record<string, unknown>,
    counts: counts.map((count) => ({ ...count, devices: Number(count.devices) })),
    stages: plan ? [...plan.stages] : [],
    brake: plan?.brake ?? null,
    reasons: plan ? [...plan.reasons] : [],
  };
}

/** What was decided and why, newest first. */
export async function listPlans(
  { database }: Coordinator,
  id: string,
  { before, limit = PAGE_MAX }: { before?: number | undefined; limit?: number | undefined } = {},
) {
  await findRollout(database, id);
  let rows = database
    .selectFrom('rollout_plans')
    .select(['id', 'parent', 'number', 'at_ms', 'phase', 'reasons'])
    .where('rollout_id', '=', id)
    .orderBy('number', 'desc')
    .limit(limit);
  if (before !== undefined) rows = rows.where('number', '<', before);
  return (await rows.execute()).map((row) => ({ ...row, reasons: JSON.parse(row.reasons) as string[] }));
}

export interface MemberView {
  device_id: string;
  state: Member['state'];
  stage: number | null;
  /** Why it failed; null: it has not. */
  code: FailureCode | null;
  /** Its newest order in this rollout, and what it said about it. */
  order_id: string | null;
  message: string | null;
}

export interface MemberQuery {
  state?: Member['state'] | undefined;
  /** Id of the last device of the page before. */
  after?: string | undefined;
  limit: number;
}

/** How far each appliance has come, by device. @throws BulkheadError ROLLOUT_UNKNOWN */
export async function listMembers(
  { database }: Coordinator,
  id: string,
  query: MemberQuery,
): Promise<MemberView[]> {
  await findRollout(database, id);
  let rows = database
    .selectFrom('rollout_members')
    .selectAll()
    .where('rollout_id', '=', id)
    .orderBy('device_id')
    .limit(query.limit);
  if (query.state !== undefined) rows = rows.where('state', '=', query.state);
  if (query.after !== undefined) rows = rows.where('device_id', '>', query.after);
  const members = await rows.execute();
  const devices = members.map(({ device_id }) => device_id);
  const orders =
    devices.length === 0
      ? []
      : await database
          .selectFrom('rollout_orders')
          .innerJoin('orders', 'orders.id', 'rollout_orders.order_id')
          .select(['rollout_orders.device_id', 'order_id', 'result_message'])
          .where('rollout_id', '=', id)
          .where('rollout_orders.device_id', 'in', devices)
          .orderBy('order_id')
          .execute();
  const newest = new Map(orders.map((order) => [order.device_id, order]));
  return members.map(({ device_id, state, stage, record }) => {
    const member = JSON.parse(record) as Member;
    const order = newest.get(device_id);
    return {
      ...{ device_id, state, stage, code: 'code' in member ? member.code : null },
      ...{ order_id: order?.order_id ?? null, message: order?.result_message ?? null },
    };
  });
}

/**
 * What the next plan would be, for people; nothing of it happens. A draft is shown as if it were approved.
 *
 * @throws BulkheadError ROLLOUT_UNKNOWN
 */
export async function previewRollout(coordinator: Coordinator, id: string): Promise<string> {
  const { scene, parent } = await readSnapshot(coordinator, id);
  const { intent } = scene;
  const wish = intent.wish === 'draft' ? 'running' : intent.wish;
  return describePlan(planRollout('preview', { ...scene, intent: { ...intent, wish } }, parent));
}

/**
 * The plan that would follow from what an operator is about to do; nothing of it happens.
 *
 * @throws BulkheadError ROLLOUT_UNKNOWN, ROLLOUT_ACTION_REFUSED
 */
export async function foreseeAction(
  coordinator: Coordinator,
  id: string,
  action: RolloutAction,
): Promise<Plan> {
  const { row, scene, parent } = await readSnapshot(coordinator, id);
  const intent = changeIntent(scene.intent, action, row.phase);
  return planRollout('preview', { ...scene, intent }, parent);
}
