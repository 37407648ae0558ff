import type { MaintenanceWindow } from '../../updater/maintenance-window.ts';
import type { Version } from './version.ts';

/**
 * `draft`: not approved yet. `braked`: stopped by itself, waits for an operator. `completed`, `cancelled`, `rolled_back`: over
 * (appliances that were at it when it was cancelled are still listened to).
 */
export const PHASES = [
  'draft',
  'running',
  'paused',
  'braked',
  'completed',
  'cancelled',
  'rolling_back',
  'rolled_back',
] as const;
export type Phase = (typeof PHASES)[number];

/**
 * What was decided at one instant about one rollout. Never changed once made; the next one names it as its parent. Whoever has the newest
 * plan and a snapshot of the fleet has everything that the next decision depends on.
 */
export interface Plan {
  id: string;
  rollout: string;
  /** Null for the first. */
  parent: string | null;
  /** 1 for the first; for people. */
  number: number;
  at_ms: number;
  /** What is new against the parent, in words. Empty: nothing is, and the parent stays the newest plan. */
  reasons: readonly string[];
  phase: Phase;
  stages: readonly Stage[];
  brake: Brake | null;
  /** Since when nothing is ordered because of pause or brake. */
  held_since_ms: number | null;
  /** When an ongoing return to the version before stops waiting for those who are silent. */
  revert_until_ms: number | null;
  /** Of the operator's intent: what this plan and those before have taken account of. */
  handled: { brake_releases: number; retries: number };
  /** Everyone in the cohort. */
  members: ReadonlyMap<string, Member>;
  /** The members that differ from the parent's; null: no longer one. */
  changed: ReadonlyMap<string, Member | null>;
  orders: readonly PlannedOrder[];
  /** Ids of orders to take back unless they have been handed out. */
  withdrawals: readonly string[];
  skipped: readonly Skip[];
}

/** A stage goes from `pending` over `running` and `soaking` to `done`. */
export interface Stage {
  state: 'pending' | 'running' | 'soaking' | 'done';
  opened_ms: number | null;
  /** Until then it waits for appliances that can't be given an order. Time under pause or brake does not count. */
  deadline_ms: number | null;
  soak_until_ms: number | null;
  done_ms: number | null;
  /** Updates that were ordered in it. */
  orders: number;
  /** Failures up to the plan of that number were seen by the operator who released the brake, and don't engage it again. */
  forgiven_plan: number | null;
  /** An operator let it pass below its thresholds. */
  waived: boolean;
}

/** The automatic brake, apart from what the operator wants. */
export interface Brake {
  cause: 'failures' | 'too_few_successes' | 'no_evidence';
  reason: string;
  since_ms: number;
}

export type FailureCode =
  /** The appliance says that the update failed. */
  | 'failed'
  /** It tried, and came back on the version before. */
  | 'rolled_back'
  /** It took the order and nothing was heard of the outcome. */
  | 'no_outcome'
  /** It was successful, and runs the version before again. */
  | 'fell_back'
  /** It never fetched the order. */
  | 'unheard';

/** How far one appliance has come in this rollout. `stage` counts from 0; `plan` is the number of the plan that saw it fail. */
export type Member = MemberProgress & MemberRecord;

/** What stays with a member whatever state it is in. */
export interface MemberRecord {
  /** Orders in a row that it never fetched. */
  unheard: number;
  /**
   * An operator said that it may try again, also what it gave up before; null: nobody did. `hop` is what it failed at: the order of
   * then may still have its effect.
   */
  retry: { hop: Hop | null } | null;
  /** The last hop on the way to the goal that it has made; null: none yet. */
  step: Hop | null;
}

/** From the release that ran to the one that was ordered. */
export interface Hop {
  from: Version;
  to: Version;
}

type MemberProgress =
  /** In the cohort, in no stage yet. */
  | { state: 'pool' }
  /** In a stage, and has no order. */
  | { state: 'seated'; stage: number }
  | { state: 'ordered'; stage: number; order: GivenOrder }
  | { state: 'succeeded'; stage: number; from: Version }
  | { state: 'failed'; stage: number; hop: Hop; code: FailureCode; plan: number }
  /** Could not be reached in the time of its stage. Neither success nor failure. */
  | { state: 'left_behind'; stage: number }
  /** Has an order to return to the version before. */
  | { state: 'reverting'; stage: number; order: GivenOrder }
  | { state: 'reverted'; stage: number }
  | { state: 'revert_failed'; stage: number; from: Version; code: FailureCode; plan: number };

export const MEMBER_STATES = [
  'pool',
  'seated',
  'ordered',
  'succeeded',
  'failed',
  'left_behind',
  'reverting',
  'reverted',
  'revert_failed',
] as const satisfies Member['state'][];

/** An order that is out. */
export interface GivenOrder extends Hop {
  id: string;
  given_ms: number;
  /** The appliance remembers having given this version up, and is told to try all the same. */
  retry_rejected: boolean;
}

/** An order to be made. Its id is the same whenever the same plan is carried out. */
export interface PlannedOrder {
  id: string;
  appliance: string;
  type: 'update' | 'rollback';
  /** The version the appliance has to run, committed, for the order to be complete. */
  to: Version;
  retry_rejected: boolean;
  allow_downgrade: boolean;
  /** It is not handed out while this is closed, and the appliance does not reboot for it then; null: at any time. */
  window: MaintenanceWindow | null;
  not_after_ms: number;
}

/** Why an appliance is not given an order now. */
export interface Skip {
  appliance: string;
  code: SkipCode;
  words: string;
}

export type SkipCode =
  // Until something about the appliance changes: it holds no seat in a stage.
  | 'already_current'
  | 'ahead'
  | 'wrong_hardware'
  | 'rejected_before'
  | 'pinned'
  | 'asks_first'
  | 'left_cohort'
  // Only now: the next plan looks again.
  | 'version_unknown'
  | 'offline'
  | 'stale'
  | 'on_trial'
  | 'busy'
  | 'window_closed'
  | 'parallel_limit'
  | 'held';
