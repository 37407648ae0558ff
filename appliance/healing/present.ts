import { formatTable } from '../../base/table.ts';
import type { HealingStatus, ShownRules } from './control.ts';
import type { Healing } from './engine/healing-record.ts';
import type { SwitchState } from './engine/switch.ts';

const WORDS = { on: 'on', off: 'off', dry_run: 'a dry run: nothing is done' } as const;

/** For people at a terminal. Pure. */
export function switchText({ mode, configured, switched, reason, by_whom, at }: SwitchState): string {
  const why =
    at === null || switched === 'on' ? '' : `, switched ${WORDS[switched]} at ${at} by ${by_whom}: ${reason}`;
  const config = configured === 'on' ? '' : `, and healing.mode of the configuration is ${configured}`;
  return `healing is ${WORDS[mode]}${why}${config}`;
}

export function statusText({ switch: state, rules, stopped, running, counts }: HealingStatus): string {
  const set =
    rules.version === null ? 'none of a coordinator' : `version ${rules.version} of the coordinator`;
  const lines = [
    switchText(state),
    `rules     ${rules.used} in use, ${set}`,
    `under way ${running}`,
    `so far    ${counts.healed} healed, ${counts.not_healed + counts.gave_up} attempts that did not heal, ${counts.refused} refused`,
  ];
  if (stopped.length === 0) return lines.join('\n');
  const rows = stopped.map((stop) => [
    ...[`${stop.hostname} (${stop.subject})`, stop.check_type, stop.why, stop.rule_id],
    timeOf(stop.since_s),
  ]);
  return [...lines, '', formatTable(['stopped on', 'check', 'why', 'rule', 'since'], rows)].join('\n');
}

export function rulesText({ state, rules }: ShownRules): string {
  const note =
    state.version === null ? [] : [`version ${state.version}, taken ${state.taken_at}: ${state.note}`, ''];
  const rows = rules.map(({ rule, from, switched_off }) => [
    ...[rule.id, !rule.enabled || switched_off ? 'off' : 'on', rule.platform, rule.check_type, rule.action],
    ...[rule.tier, from === 'built_in' ? 'program' : 'coordinator', rule.title],
  ]);
  const head = ['rule', 'state', 'platform', 'check', 'action', 'tier', 'from', 'for'];
  return [...note, formatTable(head, rows)].join('\n');
}

export function historyText(healings: readonly Healing[]): string {
  return formatTable(
    ['began', 'on', 'check', 'action', 'rule', 'attempt', 'state', 'why'],
    healings.map(
      ({ detected_s, hostname, subject, check_type, action, rule_id, attempt, state, dry_run, reason }) => [
        ...[timeOf(detected_s), `${hostname} (${subject})`, check_type, action, rule_id, attempt],
        ...[dry_run ? 'dry run' : state, reason],
      ],
    ),
  );
}

function timeOf(at_s: number): string {
  return new Date(at_s * 1000).toISOString().slice(0, 19).replace('T', ' ');
}
