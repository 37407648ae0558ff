import { describeInstant } from './instant.ts';
import type { Plan, Stage } from './plan.ts';

/** Names that one line lists. */
const NAMES_MAX = 8;

/**
 * A plan for people, some lines of text: what is new, where the stages are, what is ordered, and why others are not.
 */
export function describePlan(plan: Plan): string {
  const lines: [string, string][] = [
    ...plan.reasons.map((reason): [string, string] => ['new', reason]),
    ...plan.stages.map((stage, index): [string, string] => [`stage ${index + 1}`, describeStage(stage)]),
    ...(plan.brake ? [['brake', plan.brake.reason] as [string, string]] : []),
    ...grouped(plan.orders, (order) => `${order.type} to ${order.to}${flags(order)}`, 'order'),
    ...(plan.withdrawals.length > 0 ? [['take back', names(plan.withdrawals)] as [string, string]] : []),
    ['members', describeMembers(plan)],
    ...grouped(plan.skipped, (skip) => `${skip.code}: ${skip.words}`, 'no order'),
  ];
  const parent = plan.parent === null ? '' : `, after ${plan.parent}`;
  const head = `${plan.id}, ${instant(plan.at_ms)}${parent}: ${plan.phase}`;
  return [head, ...lines.map(([label, text]) => `  ${label.padEnd(10)}${text}`)].join('\n');
}

function describeStage(stage: Stage): string {
  const orders = stage.orders === 0 ? '' : `, ${stage.orders} ${stage.orders === 1 ? 'order' : 'orders'}`;
  switch (stage.state) {
    case 'pending':
      return 'not begun';
    case 'running':
      return `running, until ${instant(stage.deadline_ms)} at most${orders}`;
    case 'soaking':
      return `watched until ${instant(stage.soak_until_ms)}${orders}`;
    case 'done':
      return `done ${instant(stage.done_ms)}${orders}`;
  }
}

function describeMembers({ members }: Plan): string {
  const counts = new Map<string, number>();
  for (const member of members.values()) {
    const label = 'code' in member ? `${member.state} (${member.code})` : member.state;
    counts.set(label, (counts.get(label) ?? 0) + 1);
  }
  const sorted = [...counts].sort(([a], [b]) => (a < b ? -1 : 1));
  return sorted.map(([label, count]) => `${count} ${label}`).join(', ') || 'none';
}

function grouped<T extends { appliance: string }>(
  entries: readonly T[],
  words: (entry: T) => string,
  label: string,
): [string, string][] {
  return [...Map.groupBy(entries, words)].map(([text, group]) => [
    label,
    `${text} (${names(group.map(({ appliance }) => appliance))})`,
  ]);
}

function flags({
  retry_rejected,
  allow_downgrade,
}: {
  retry_rejected: boolean;
  allow_downgrade: boolean;
}): string {
  return `${retry_rejected ? ', once more' : ''}${allow_downgrade ? ', downgrade allowed' : ''}`;
}

function names(ids: readonly string[]): string {
  const shown = ids.toSorted().slice(0, NAMES_MAX).join(' ');
  return ids.length > NAMES_MAX ? `${shown} and ${ids.length - NAMES_MAX} more` : shown;
}

function instant(at_ms: number | null): string {
  return at_ms === null ? 'never' : describeInstant(at_ms);
}
