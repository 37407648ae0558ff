import { describeChanges } from './describe-changes.ts';
import type { Brake, Member, Phase, Plan, PlannedOrder, Skip, SkipCode, Stage } from './plan.ts';
import { type Scene, WindowClock } from './scene.ts';

const PENDING: Stage = {
  state: 'pending',
  opened_ms: null,
  deadline_ms: null,
  soak_until_ms: null,
  done_ms: null,
  orders: 0,
  forgiven_plan: null,
  waived: false,
};

/** A plan while it is made: the parent's state, changed step by step. Nothing of the parent is touched. */
export class Draft {
  readonly parent: Plan | null;
  readonly scene: Scene;
  readonly windows: WindowClock;
  readonly reasons: string[] = [];
  readonly orders: PlannedOrder[] = [];
  readonly withdrawals: string[] = [];
  readonly skipped: Skip[] = [];
  readonly #members: Map<string, Member>;
  readonly #changed = new Map<string, Member | null>();
  readonly #stages: Stage[];
  brake: Brake | null;
  held_since_ms: number | null;
  revert_until_ms: number | null;

  constructor(scene: Scene, parent: Plan | null) {
    this.parent = parent;
    this.scene = scene;
    this.windows = new WindowClock(scene.at_ms);
    this.#members = new Map(parent?.members);
    this.#stages = parent ? [...parent.stages] : scene.definition.stages.map(() => PENDING);
    this.brake = parent?.brake ?? null;
    this.held_since_ms = parent?.held_since_ms ?? null;
    this.revert_until_ms = parent?.revert_until_ms ?? null;
  }

  /** Of the plan in the making. */
  get number(): number {
    return (this.parent?.number ?? 0) + 1;
  }

  get members(): ReadonlyMap<string, Member> {
    return this.#members;
  }

  get stages(): readonly Stage[] {
    return this.#stages;
  }

  /** Index of the first stage that is not done; the number of stages when all are. */
  get current(): number {
    const index = this.#stages.findIndex((stage) => stage.state !== 'done');
    return index < 0 ? this.#stages.length : index;
  }

  /** Orders that are out, not counting what is planned after this. */
  get inFlight(): number {
    let count = 0;
    for (const { state } of this.#members.values()) {
      if (state === 'ordered' || state === 'reverting') count += 1;
    }
    return count;
  }

  set(id: string, member: Member): void {
    this.#members.set(id, member);
    this.#changed.set(id, member);
  }

  remove(id: string): void {
    this.#members.delete(id);
    this.#changed.set(id, null);
  }

  setStage(index: number, change: Partial<Stage>): Stage {
    const stage = { ...(this.#stages[index] ?? PENDING), ...change };
    this.#stages[index] = stage;
    return stage;
  }

  skip(appliance: string, code: SkipCode, words: string): void {
    this.skipped.push({ appliance, code, words });
  }

  /** @param id of the new plan, never used before */
  finish(id: string, phase: Phase): Plan {
    const { parent, scene } = this;
    const { brake_releases, retries } = scene.intent;
    const reasons = [
      ...phaseReasons(parent?.phase ?? 'draft', phase),
      ...describeChanges(parent?.members ?? new Map(), this.#changed),
      ...this.reasons,
      ...(this.withdrawals.length > 0 ? [`${this.withdrawals.length} taken back, not fetched yet`] : []),
    ];
    return {
      id,
      rollout: scene.definition.id,
      parent: parent?.id ?? null,
      number: this.number,
      at_ms: scene.at_ms,
      reasons,
      phase,
      stages: this.#stages,
      brake: this.brake,
      held_since_ms: this.held_since_ms,
      revert_until_ms: this.revert_until_ms,
      handled: { brake_releases, retries },
      members: this.#members,
      changed: this.#changed,
      orders: this.orders,
      withdrawals: this.withdrawals,
      skipped: this.skipped,
    };
  }
}

const PHASE_WORDS: Readonly<Record<Phase, string>> = {
  draft: 'waits for approval',
  running: 'runs',
  paused: 'paused by an operator',
  braked: 'stopped by the brake',
  completed: 'completed',
  cancelled: 'cancelled by an operator',
  rolling_back: 'an operator wants the version before',
  rolled_back: 'everyone that could be reached is back on the version before',
};

function phaseReasons(before: Phase, phase: Phase): string[] {
  return before === phase ? [] : [PHASE_WORDS[phase]];
}
