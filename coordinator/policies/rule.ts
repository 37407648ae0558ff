import type { MaintenanceWindow } from '../../updater/maintenance-window.ts';
import { asksForFacts } from '../rollouts/cohort/facts.ts';
import { matchesQuery } from '../rollouts/cohort/match-query.ts';
import type { Query, Subject } from '../rollouts/cohort/query.ts';
import type { Policy } from '../rollouts/policy.ts';

/** Who decides what the appliances of a cohort run, and when they may be given orders. */
export interface Rule {
  id: string;
  cohort: Query;
  policy: Policy;
  /** Their own maintenance window, beside that of a rollout; null: none. */
  window: MaintenanceWindow | null;
}

/** What holds where no rule does. */
const MANUAL: Pick<Rule, 'policy' | 'window'> = { policy: { kind: 'manual' }, window: null };

/** The first rule that an appliance falls under. Pure. @param rules in their order */
export function ruleFor(subject: Subject, rules: readonly Rule[]): Pick<Rule, 'policy' | 'window'> {
  return rules.find(({ cohort }) => matchesQuery(cohort, subject)) ?? MANUAL;
}

/** Whether what appliances report of themselves has to be read to tell. */
export const rulesAskForFacts = (rules: readonly Rule[]): boolean =>
  rules.some(({ cohort }) => asksForFacts(cohort));

/** Channels whose newest release somebody follows. */
export function followedChannels(rules: readonly Rule[]): string[] {
  const channels = rules.flatMap(({ policy }) => (policy.kind === 'auto_latest' ? [policy.channel] : []));
  return [...new Set(channels)];
}
