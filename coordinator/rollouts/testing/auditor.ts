import { expect } from 'vitest';
import { isOpen, type MaintenanceWindow } from '../../../updater/maintenance-window.ts';
import type { Plan } from '../plan.ts';
import { planRollout } from '../planner.ts';
import { seatsOf } from '../sample.ts';
import { compareVersions, type Version } from '../version.ts';
import type { BookedOrder } from './boxes.ts';
import type { Rehearsal } from './rehearsal.ts';

/** Planning again with nothing happening in between comes to rest after so many plans. */
const RESTLESS_MAX = 6;

/**
 * Watches a rehearsal from outside: what it holds the planner to is told from the books and from the boxes, not from the planner's
 * own counts.
 */
export class Auditor {
  readonly #rehearsal: Rehearsal;
  /** `box version` that failed, and how often an operator had asked to try again by then. */
  readonly #failures = new Map<string, number>();
  readonly #failed = new Set<string>();
  #cohort: ReadonlySet<string> | null = null;
  #removed = false;

  constructor(rehearsal: Rehearsal) {
    this.#rehearsal = rehearsal;
  }

  /** The next plan, carried out and held to every promise; then again until nothing is new. */
  settle(): Plan {
    let plan = this.#step();
    for (let turn = 0; plan.reasons.length > 0; turn += 1) {
      expect(turn, `no rest: ${plan.reasons.join('; ')}`).toBeLessThan(RESTLESS_MAX);
      plan = this.#step();
    }
    expect(plan.orders).toEqual([]);
    expect(plan.changed.size).toBe(0);
    return plan;
  }

  /** To be said when a box falls back from what it had. */
  noteFall(box: string, version: Version): void {
    this.#failures.set(`${box} ${version}`, this.#rehearsal.intent.retries);
  }

  /** To be said when an order fails. One that had run out before has failed already. */
  noteFailure({ id, appliance, to }: BookedOrder): void {
    if (this.#failed.has(id)) return;
    this.#failed.add(id);
    this.noteFall(appliance, to);
  }

  noteRemoval(): void {
    this.#removed = true;
  }

  #step(): Plan {
    const rehearsal = this.#rehearsal;
    this.#noteOverdue();
    const { parent } = rehearsal;
    const scene = rehearsal.scene();
    const before = structuredClone(parent);
    const plan = planRollout(`plan-${(parent?.number ?? 0) + 1}`, scene, parent);
    expect(planRollout(plan.id, scene, parent)).toEqual(plan);
    expect(parent).toEqual(before);
    this.#cohort ??= plan.phase === 'draft' ? null : this.#matching();
    for (const order of plan.orders) this.#auditOrder(order.id, plan);
    this.#auditSuccesses(plan, parent);
    this.#auditStages(plan, parent);
    rehearsal.carryOut(plan);
    expect(rehearsal.carryOut(plan), 'carried out twice').toBe(0);
    this.#auditBooks(plan);
    return plan;
  }

  #auditOrder(id: string, plan: Plan): void {
    const { definition, intent, boxes } = this.#rehearsal;
    const order = plan.orders.find((one) => one.id === id);
    const known = boxes.get(order?.appliance ?? '')?.known;
    if (!order || !known?.version)
      throw new Error(`${id} is for nobody, or for one whose version is unknown`);
    expect(this.#isOpen(definition.window) && this.#isOpen(known.window), 'inside both windows').toBe(true);
    expect(known).toMatchObject({ presence: 'online', committed: true, free: true });
    expect(this.#rehearsal.orders.has(id), 'a number is used once').toBe(false);
    if (order.type === 'rollback') {
      expect(intent.wish).toBe('roll_back');
      expect(known.version).toBe(definition.version);
      return;
    }
    expect(intent.wish).toBe('running');
    expect(plan.brake).toBeNull();
    expect(plan.phase).toBe('running');
    expect(known.hardware).toBe('hp-t640');
    const onTheWay = plan.members.get(order.appliance)?.step != null;
    const meant =
      definition.joining === 'frozen' ? this.#cohort?.has(order.appliance) : known.tags['ring'] === 'a';
    expect(meant || onTheWay, 'one of those that are meant').toBe(true);
    const rise = compareVersions(order.to, known.version);
    expect(rise >= 0 || order.allow_downgrade === definition.allow_downgrade, 'no silent downgrade').toBe(
      true,
    );
    for (const floor of definition.floors) {
      const skipped = compareVersions(floor, known.version) > 0 && compareVersions(floor, order.to) < 0;
      expect(skipped, 'no floor is skipped').toBe(false);
    }
    const failed = this.#failures.get(`${order.appliance} ${order.to}`);
    expect(failed === undefined || failed < intent.retries, `${id}: ${order.to} again`).toBe(true);
  }

  /** What is said of an order decides nothing: the version runs, and is committed. */
  #auditSuccesses(plan: Plan, parent: Plan | null): void {
    for (const [id, member] of plan.changed) {
      if (member?.state !== 'succeeded' || parent?.members.get(id)?.state === 'revert_failed') continue;
      const { version, committed } = this.#rehearsal.boxes.get(id)?.known ?? {};
      expect({ version, committed }).toEqual({
        version: this.#rehearsal.definition.version,
        committed: true,
      });
    }
  }

  /** No stage begins before everything that was ordered until then has ended and been watched. */
  #auditStages(plan: Plan, parent: Plan | null): void {
    const { definition, now_ms } = this.#rehearsal;
    const passed = plan.stages.some(
      (stage, index) => stage.state === 'done' && parent?.stages[index]?.state !== 'done',
    );
    for (const order of passed ? this.#booked() : []) {
      if (order.fate === 'withdrawn' || order.type === 'rollback') continue;
      const ended_ms = Math.min(order.ended_ms ?? Number.POSITIVE_INFINITY, order.not_after_ms);
      expect(ended_ms + definition.soak_ms, `${order.id} was watched`).toBeLessThanOrEqual(now_ms);
    }
    if (definition.joining === 'open' || this.#removed) return;
    definition.stages.forEach((_, index) => {
      // Who gave the place up half-way and falls back later has failed there, without a place.
      const seated = [...plan.members.values()].filter(
        (member) =>
          member.state !== 'pool' &&
          member.stage <= index &&
          !(member.state === 'failed' && member.code === 'fell_back'),
      );
      const seats = seatsOf(definition.stages, index, plan.members.size);
      expect(seated.length, `places of stage ${index + 1}`).toBeLessThanOrEqual(seats);
    });
  }

  #auditBooks(plan: Plan): void {
    const { definition, intent, now_ms } = this.#rehearsal;
    const open = this.#booked().filter(
      (order) =>
        order.ended_ms === null &&
        (order.fate === 'queued' || (order.fate === 'handed_out' && now_ms < order.not_after_ms)),
    );
    expect(open.length, 'orders at one time').toBeLessThanOrEqual(definition.parallel_max);
    for (const order of open) {
      const known = this.#rehearsal.boxes.get(order.appliance)?.known;
      const own = known?.window ?? null;
      if (order.fate === 'queued' && plan.reasons.length === 0) {
        const pinned = known?.policy.kind === 'pinned' && order.type === 'update';
        expect(pinned && known.policy, 'nothing waits for who is pinned').toBe(false);
        expect(
          this.#isOpen(definition.window) && this.#isOpen(own),
          'to be fetched inside both windows',
        ).toBe(true);
      }
    }
    const still = plan.brake !== null || intent.wish === 'cancelled' || intent.wish === 'paused';
    if (still && plan.phase !== 'rolling_back') {
      expect(open.filter((order) => order.fate === 'queued')).toEqual([]);
    }
    if (plan.phase === 'completed' || plan.phase === 'rolled_back') expect(open).toEqual([]);
  }

  #isOpen(window: MaintenanceWindow | null): boolean {
    return window === null || isOpen(window, new Date(this.#rehearsal.now_ms));
  }

  #noteOverdue(): void {
    for (const order of this.#booked()) {
      if (order.fate !== 'handed_out' || order.ended_ms !== null) continue;
      if (this.#rehearsal.now_ms >= order.not_after_ms) this.noteFailure(order);
    }
  }

  #matching(): Set<string> {
    const { boxes } = this.#rehearsal;
    return new Set(
      [...boxes.values()].flatMap(({ known }) => (known.tags['ring'] === 'a' ? [known.id] : [])),
    );
  }

  /** Of boxes that are still there. */
  #booked(): BookedOrder[] {
    return [...this.#rehearsal.orders.values()].filter(({ appliance }) =>
      this.#rehearsal.boxes.has(appliance),
    );
  }
}
