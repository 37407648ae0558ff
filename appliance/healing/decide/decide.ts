import type { Rule } from '../../../protocol/healing/rule.ts';
import type { Detection } from '../../findings/detection.ts';
import {
  type ActionName,
  type ActionParams,
  actionFacts,
  type CapabilityTier,
  checkAction,
  type Platform,
  tierAllows,
} from '../actions.ts';
import { FLAP_ACTS_MAX, FLAP_WINDOW_COOLDOWNS, FLAP_WINDOW_MIN_S, REFUSED_PAUSE_S } from '../limits.ts';
import { fieldOf, holds } from './match.ts';
import type { HealingState } from './states.ts';

/** Whether healing is done: nothing at all, only written down what would be done, or done. */
export const HEALING_MODES = ['off', 'dry_run', 'on'] as const;
export type HealingMode = (typeof HEALING_MODES)[number];

/** The machine that a detection speaks of. */
export interface SubjectFacts {
  platform: Platform;
  tier: CapabilityTier;
  /** It can be reached now. */
  reachable: boolean;
}

/** What was done before at the same check of the same machine. */
export interface PastHealing {
  rule_id: string;
  state: HealingState;
  dry_run: boolean;
  /** When the action began, else when it was detected. Unix seconds. */
  at_s: number;
  /** When it was over; null: it is under way. */
  ended_s: number | null;
}

/** Healing has come to its limit at one check of one machine. */
export interface Stop {
  why: StopReason;
  since_s: number;
  /** When the check was last seen to fail. */
  last_bad_s: number;
  /** How long it has to be quiet. */
  quiet_s: number;
  /** When it was lifted; what was before does not count any more. Null: it holds. */
  lifted_s: number | null;
}
export type StopReason = 'flapping' | 'gave_up';

export interface Situation {
  detection: Detection;
  /** The check did not fail before this detection. */
  opened: boolean;
  rules: readonly Rule[];
  /** null: nobody knows it. */
  subject: SubjectFacts | null;
  mode: HealingMode;
  /** Latest first; those that acted within the longest window, and the latest of all. */
  history: readonly PastHealing[];
  stop: Stop | null;
  now_s: number;
}

export interface HealingPlan {
  rule: Rule;
  action: ActionName;
  params: ActionParams;
  /** From 1. */
  attempt: number;
  /** If this one does not heal, there is no other. */
  last: boolean;
}

export type NothingReason =
  | 'passed'
  | 'off'
  | 'subject_unknown'
  | 'no_rule'
  | 'tier'
  | 'unreachable'
  | 'values'
  | 'under_way'
  | 'stopped'
  | 'cooldown';

export type Decision =
  | { do: 'nothing'; reason: NothingReason; rule: string | null }
  | { do: 'stop'; why: StopReason; rule: Rule; quiet_s: number }
  | { do: 'heal' | 'dry_run'; plan: HealingPlan; lifts_stop: boolean };

/** What is done about a detection. Pure: the same situation always comes to the same. */
export function decide(situation: Situation): Decision {
  const { detection, subject, mode, history, now_s } = situation;
  if (detection.passed) return nothing('passed');
  if (mode === 'off') return nothing('off');
  if (subject === null) return nothing('subject_unknown');
  const fitting = situation.rules.filter((rule) => fits(rule, detection, subject.platform));
  const rule = fitting.filter(({ tier }) => tierAllows(subject.tier, tier)).sort(byPriority)[0];
  if (!rule) return nothing(fitting.length > 0 ? 'tier' : 'no_rule', fitting[0]);
  if (!subject.reachable) return nothing('unreachable', rule);
  const values = valuesOf(rule, detection);
  if (values === null) return nothing('values', rule);
  if (!tierAllows(subject.tier, actionFacts(values.action).tier)) return nothing('tier', rule);
  if (history.some(({ ended_s }) => ended_s === null)) return nothing('under_way', rule);
  const stop = standing(situation);
  if (stop === 'holds') return nothing('stopped', rule);

  const quiet_s = flapWindow_s(rule);
  const acts = recentActs(situation, quiet_s);
  if (acts.length >= FLAP_ACTS_MAX) return { do: 'stop', why: 'flapping', rule, quiet_s };
  const failed = acts.findIndex(({ rule_id, state }) => rule_id !== rule.id || state !== 'not_healed');
  const tries = failed === -1 ? acts.length : failed;
  if (tries > rule.retries) return { do: 'stop', why: 'gave_up', rule, quiet_s };
  if (history.some((past) => isPausing(past, rule, mode, now_s))) return nothing('cooldown', rule);
  const { action, params } = values;
  const attempt = tries + 1;
  const last = attempt > rule.retries;
  const plan: HealingPlan = { rule, action, params, attempt, last };
  return { do: mode === 'on' ? 'heal' : 'dry_run', plan, lifts_stop: stop === 'over' };
}

/**
 * The window in which FLAP_ACTS_MAX attempts are the limit. Attempts follow each other by a cooldown and a look, an hour at most, so a
 * check that keeps failing comes to the limit whatever the cooldown is: 4 (c + 1 h) is less than the longer of 10 c and a day.
 */
export function flapWindow_s({ cooldown_s }: Pick<Rule, 'cooldown_s'>): number {
  return Math.max(FLAP_WINDOW_COOLDOWNS * cooldown_s, FLAP_WINDOW_MIN_S);
}

function nothing(reason: NothingReason, rule?: Rule): Decision {
  return { do: 'nothing', reason, rule: rule?.id ?? null };
}

function fits(rule: Rule, detection: Detection, platform: Platform): boolean {
  const { enabled, check_type } = rule;
  return (
    enabled && check_type === detection.check_type && rule.platform === platform && holds(rule, detection)
  );
}

function byPriority(a: Rule, b: Rule): number {
  return b.priority - a.priority || (a.id < b.id ? -1 : 1);
}

/** The action with its values; null: what the detection brings does not fit. */
function valuesOf(rule: Rule, detection: Detection) {
  const params: Record<string, string> = {};
  for (const [key, value] of Object.entries(rule.params)) {
    const text = typeof value === 'string' ? value : fieldOf(detection, value.from);
    if (text !== null) params[key] = text;
  }
  try {
    return checkAction(rule.action, rule.platform, params);
  } catch {
    // The sender of a detection chose a value that the action does not take. There is nothing to do, and the reason says so.
    return null;
  }
}

function standing({ stop, opened, now_s }: Situation): 'none' | 'holds' | 'over' {
  if (stop === null || stop.lifted_s !== null) return 'none';
  // A clock that was set back makes nothing quiet.
  return opened && now_s - stop.last_bad_s >= stop.quiet_s ? 'over' : 'holds';
}

/** What was done to the machine in the window and since a stop was lifted: latest first. */
function recentActs({ history, stop, opened, now_s }: Situation, window_s: number): PastHealing[] {
  const lifted_s = stop === null ? null : (stop.lifted_s ?? (opened ? now_s : null));
  return history.filter(
    ({ state, at_s }) =>
      state !== 'refused' &&
      state !== 'detected' &&
      at_s > now_s - window_s &&
      (lifted_s === null || at_s > lifted_s),
  );
}

/** A dry run waits for dry runs as for healings, so that it shows the pace; a healing does not wait for a dry run. */
function isPausing(past: PastHealing, rule: Rule, mode: HealingMode, now_s: number): boolean {
  if (past.ended_s === null) return false;
  if (past.dry_run && mode === 'on') return false;
  const pause_s = past.state === 'refused' && !past.dry_run ? REFUSED_PAUSE_S : rule.cooldown_s;
  const since_s = now_s - past.ended_s;
  return since_s < pause_s && since_s > -pause_s;
}
