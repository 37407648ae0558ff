import type { Member, Plan, PlannedOrder } from './plan.ts';

/**
 * Carrying a plan out, as data. All effects of a plan belong into one transaction, so that there is never a plan on record whose orders
 * were not made, nor an order without its plan.
 */
export type Effect =
  /** The plan itself, as it is kept for ever: without what the members' records hold. */
  | { kind: 'store_plan'; plan: PlanRecord }
  /** A member's record, put in place of the one before; `member: null` removes it. */
  | { kind: 'store_member'; rollout: string; appliance: string; member: Member | null }
  /** An order, unless there is one with this id already. */
  | { kind: 'make_order'; order: PlannedOrder; plan: string }
  /** Sets an order to withdrawn if, and only if, it is still queued. */
  | { kind: 'withdraw_order'; order: string; plan: string };

/** What history keeps of a plan. `skipped` is a reading of the moment and is told to who asks, not kept. */
export type PlanRecord = Omit<Plan, 'members' | 'changed' | 'orders' | 'withdrawals' | 'skipped'>;

export type Execution =
  | { outcome: 'apply'; effects: readonly Effect[] }
  /** Nothing is new, or it has been carried out before. */
  | { outcome: 'nothing' }
  /** Somebody else's plan came first: take a new snapshot and plan again from that one. */
  | { outcome: 'superseded'; by: string | null };

/**
 * What is to be done for a plan. Twice is the same as once: the second time the plan is the newest, and nothing is left to do. Of two
 * plans with one parent only the first is carried out.
 *
 * @param newest id of the newest plan on record, read in the transaction in which the effects take place; null: there is none
 */
export function executePlan(plan: Plan, newest: string | null): Execution {
  if (plan.reasons.length === 0 || newest === plan.id) return { outcome: 'nothing' };
  if (newest !== plan.parent) return { outcome: 'superseded', by: newest };
  const { members: _members, changed, orders, withdrawals, skipped: _skipped, ...record } = plan;
  const { rollout, id } = plan;
  const effects: Effect[] = [{ kind: 'store_plan', plan: record }];
  for (const [appliance, member] of changed)
    effects.push({ kind: 'store_member', rollout, appliance, member });
  for (const order of orders) effects.push({ kind: 'make_order', order, plan: id });
  for (const order of withdrawals) effects.push({ kind: 'withdraw_order', order, plan: id });
  return { outcome: 'apply', effects };
}

/** The newest plan as the planner wants its parent, from what is on record. */
export function recallPlan(record: PlanRecord, members: ReadonlyMap<string, Member>): Plan {
  return { ...record, members, changed: new Map(), orders: [], withdrawals: [], skipped: [] };
}
