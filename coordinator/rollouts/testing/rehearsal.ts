import type { RolloutDefinition } from '../definition.ts';
import { type Effect, executePlan, type PlanRecord, recallPlan } from '../effects.ts';
import { changeIntent, INITIAL_INTENT, type RolloutAction, type RolloutIntent } from '../intent.ts';
import type { Member, Plan } from '../plan.ts';
import { planRollout } from '../planner.ts';
import type { Scene } from '../scene.ts';
import type { BookedOrder, Box } from './boxes.ts';

/** A rollout over abstract appliances, with the books that a coordinator keeps. Time passes only when told to. */
export class Rehearsal {
  readonly definition: RolloutDefinition;
  readonly boxes = new Map<string, Box>();
  readonly orders = new Map<string, BookedOrder>();
  /** As text, as a database has it: whatever does not survive that is missed at the next plan. */
  readonly #members = new Map<string, string>();
  #plan: string | null = null;
  intent: RolloutIntent = INITIAL_INTENT;
  now_ms: number;

  constructor(definition: RolloutDefinition, boxes: Iterable<Box>, now_ms: number) {
    this.definition = definition;
    this.now_ms = now_ms;
    for (const box of boxes) this.boxes.set(box.known.id, box);
  }

  get phase(): Plan['phase'] {
    return this.parent?.phase ?? 'draft';
  }

  /** The newest plan, put together from the books as after a restart. */
  get parent(): Plan | null {
    if (this.#plan === null) return null;
    const members = [...this.#members].map(([id, text]): [string, Member] => [id, JSON.parse(text)]);
    const record: PlanRecord = JSON.parse(this.#plan);
    return recallPlan(record, new Map(members));
  }

  act(action: RolloutAction): void {
    this.intent = changeIntent(this.intent, action, this.phase);
  }

  scene(): Scene {
    const fleet = new Map([...this.boxes].map(([id, box]) => [id, box.see()]));
    return { definition: this.definition, intent: this.intent, fleet, at_ms: this.now_ms };
  }

  /** Makes the next plan and carries it out. */
  step(): Plan {
    const parent = this.parent;
    const plan = planRollout(`plan-${(parent?.number ?? 0) + 1}`, this.scene(), parent);
    this.carryOut(plan);
    return plan;
  }

  /** @returns how many effects it had */
  carryOut(plan: Plan): number {
    const execution = executePlan(plan, this.parent?.id ?? null);
    if (execution.outcome !== 'apply') return 0;
    for (const effect of execution.effects) this.#apply(effect);
    return execution.effects.length;
  }

  #apply(effect: Effect): void {
    switch (effect.kind) {
      case 'store_plan':
        this.#plan = JSON.stringify(effect.plan);
        break;
      case 'store_member':
        if (effect.member === null) this.#members.delete(effect.appliance);
        else this.#members.set(effect.appliance, JSON.stringify(effect.member));
        break;
      case 'make_order':
        this.#makeOrder(effect.order);
        break;
      case 'withdraw_order': {
        const order = this.orders.get(effect.order);
        if (order?.fate === 'queued') Object.assign(order, { fate: 'withdrawn', ended_ms: this.now_ms });
        break;
      }
    }
  }

  #makeOrder(order: Extract<Effect, { kind: 'make_order' }>['order']): void {
    const box = this.boxes.get(order.appliance);
    if (!box || this.orders.has(order.id)) return;
    box.order = { ...order, fate: 'queued', state: null, made_ms: this.now_ms, ended_ms: null };
    this.orders.set(order.id, box.order);
  }
}
