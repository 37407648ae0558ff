import { recordDeed } from '../../audit/log.ts';
import type { Coordinator } from '../../context.ts';
import { lockForAll } from '../../database/lock.ts';
import type { RolloutMemberRow, RolloutRow } from '../../database/release-tables.ts';
import type { Work } from '../../database/tables.ts';
import { giveWay } from '../../give-way.ts';
import { executePlan } from '../effects.ts';
import type { Member, Plan } from '../plan.ts';
import { MEMBERS_PER_STATEMENT } from './limits.ts';
import { makeOrders, withdrawOrders } from './plan-orders.ts';

/**
 * Puts a plan on record with everything that follows from it, in one transaction, if it still follows the newest plan and the operator
 * wants nothing else meanwhile. Whoever is second is told so, at this coordinator or at another.
 *
 * @param seen the rollout as it was when the plan was made
 * @throws BulkheadError ROLLOUT_RELEASE
 */
export async function carryOut(
  coordinator: Coordinator,
  seen: RolloutRow,
  plan: Plan,
): Promise<'applied' | 'nothing' | 'superseded'> {
  if (plan.reasons.length === 0) return 'nothing';
  return await coordinator.doWork(async (work) => {
    await lockForAll(work);
    const execution = executePlan(plan, await newestPlan(work, seen.id));
    if (execution.outcome === 'nothing') return 'nothing';
    if (execution.outcome === 'superseded' || !(await takeTurn(work, seen, plan))) return 'superseded';
    const members = new Map<string, Member | null>();
    for (const effect of execution.effects) {
      if (effect.kind === 'store_plan')
        await work
          .insertInto('rollout_plans')
          .values({
            ...{ id: plan.id, rollout_id: plan.rollout, parent: plan.parent, number: plan.number },
            ...{ at_ms: plan.at_ms, phase: plan.phase, reasons: JSON.stringify(plan.reasons) },
            record: JSON.stringify(effect.plan),
          })
          .execute();
      else if (effect.kind === 'store_member') members.set(effect.appliance, effect.member);
    }
    await storeMembers(work, plan.rollout, members);
    const orders = execution.effects.flatMap((effect) => (effect.kind === 'make_order' ? effect.order : []));
    const withdrawals = execution.effects.flatMap((effect) =>
      effect.kind === 'withdraw_order' ? effect.order : [],
    );
    await makeOrders(coordinator, work, seen, plan, orders);
    await withdrawOrders(coordinator, work, withdrawals);
    if (orders.length > 0 || withdrawals.length > 0 || plan.phase !== seen.phase)
      await recordDeed(work, coordinator.now_ms(), {
        ...{ actor: `rollout:${plan.rollout}`, action: 'rollout.plan', subject: `rollout:${plan.rollout}` },
        details: {
          ...{ plan: plan.number, phase: plan.phase, orders: orders.length, withdrawals: withdrawals.length },
          reasons: plan.reasons,
        },
      });
    return 'applied';
  });
}

async function newestPlan(work: Work, id: string): Promise<string | null> {
  const row = await work.selectFrom('rollouts').select('plan_id').where('id', '=', id).executeTakeFirst();
  return row?.plan_id ?? null;
}

/** Compares and sets in one statement: of two that try, one finds nothing to set. */
async function takeTurn(work: Work, seen: RolloutRow, plan: Plan): Promise<boolean> {
  const { numUpdatedRows } = await work
    .updateTable('rollouts')
    .set({
      ...{ plan_id: plan.id, plan_number: plan.number, phase: plan.phase },
      settled: isSettled(plan) ? 1 : 0,
    })
    .where('id', '=', seen.id)
    .where('revision', '=', seen.revision)
    .where('plan_id', plan.parent === null ? 'is' : '=', plan.parent)
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}

function isSettled({ phase, members }: Plan): boolean {
  if (phase !== 'completed' && phase !== 'cancelled' && phase !== 'rolled_back') return false;
  return ![...members.values()].some(({ state }) => state === 'ordered' || state === 'reverting');
}

async function storeMembers(
  work: Work,
  rollout_id: string,
  members: ReadonlyMap<string, Member | null>,
): Promise<void> {
  const rows: RolloutMemberRow[] = [];
  const gone: string[] = [];
  for (const [device_id, member] of members) {
    if (member === null) gone.push(device_id);
    else {
      const { state } = member;
      const stage = member.state === 'pool' ? null : member.stage;
      rows.push({ rollout_id, device_id, state, stage, record: JSON.stringify(member) });
    }
  }
  for (const some of inParts(rows))
    await work
      .insertInto('rollout_members')
      .values(some)
      .onConflict((conflict) =>
        conflict.columns(['rollout_id', 'device_id']).doUpdateSet((set) => ({
          state: set.ref('excluded.state'),
          stage: set.ref('excluded.stage'),
          record: set.ref('excluded.record'),
        })),
      )
      .execute()
      .then(giveWay);
  for (const some of inParts(gone))
    await work
      .deleteFrom('rollout_members')
      .where('rollout_id', '=', rollout_id)
      .where('device_id', 'in', some)
      .execute();
}

function* inParts<T>(list: readonly T[]): Generator<T[]> {
  for (let at = 0; at < list.length; at += MEMBERS_PER_STATEMENT)
    yield list.slice(at, at + MEMBERS_PER_STATEMENT);
}
