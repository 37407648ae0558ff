import {
  type ComplianceFilter,
  type ComplianceReport,
  type ControlReport,
  type ControlState,
  filterControls,
  type RatePoint,
  type Tally,
} from '../../status-page/compliance/report.ts';
import type { ExportRow } from './export/rows.ts';
import type { Control } from './register/control.ts';

const WORDS: Readonly<Record<ControlState, string>> = {
  fails: 'FAILS',
  unknown: 'UNKNOWN',
  justified: 'justified',
  holds: 'holds',
  not_applicable: 'does not apply',
};

/** `bulkhead compliance status`: the numbers, and what does not hold. */
export function statusText(report: ComplianceReport, filter: ComplianceFilter): string {
  const { appliance, frameworks, machines, findings, problems, generated_at } = report;
  const unfiltered = filter.framework === null && filter.state === null;
  const shown = filterControls(report.controls, filter).filter(
    ({ state }) => !unfiltered || state === 'fails' || state === 'unknown',
  );
  const others = machines.filter(({ subject, failing }) => subject !== 'appliance' && failing.length > 0);
  return [
    `looked at  ${generated_at}`,
    `appliance  ${tallyText(appliance)}`,
    ...frameworks.map((each) => `${each.framework.padEnd(9)}  ${tallyText(each)}`),
    ...problems.map((problem) => `note       ${problem}`),
    '',
    ...(shown.length === 0 && unfiltered
      ? ['nothing fails, and nothing is unknown']
      : shown.map(controlLine)),
    ...(others.length === 0 ? [] : ['', 'machines:']),
    ...others.map(({ subject, hostname, failing }) => `  ${hostname} (${subject}): ${failing.join(', ')}`),
    ...(findings.length === 0 ? [] : ['', `open findings: ${findings.length + report.findings_left_out}`]),
  ].join('\n');
}

function controlLine({ id, title, state, seen }: ControlReport): string {
  return `${id}  ${WORDS[state].padEnd(14)}  ${title}: ${seen}`;
}

function tallyText({ rate, strict_rate, holds, fails, unknown, justified }: Tally): string {
  return `${percent(rate)} (${percent(strict_rate)} without justifications): ${holds} hold, ${fails} fail, ${unknown} unknown, ${justified} justified`;
}

/** Rounded down: 99.96 % is not all of it. */
function percent(rate: number | null): string {
  return rate === null ? 'no rate' : `${(Math.floor(rate * 1000) / 10).toFixed(1)} %`;
}

/** `bulkhead compliance controls`: the register. */
export function registerText(controls: readonly Control[]): string {
  return controls
    .map(({ id, severity, check, title }) => `${id}  ${severity.padEnd(8)}  ${check.padEnd(24)}  ${title}`)
    .join('\n');
}

/** What `/v1/compliance/controls/:id` answers. */
export interface ControlAnswer {
  control: ControlReport;
  results: ExportRow[];
  history: RatePoint[];
}

/** What `/v1/compliance/machines/:subject` answers. */
export interface MachineAnswer {
  machine: ComplianceReport['machines'][number] | null;
  results: ExportRow[];
  history: RatePoint[];
}

export function controlText({ control, results, history }: ControlAnswer): string {
  const { id, title, demand, severity, measure, references, state, seen, since, justification } = control;
  return [
    `${id} ${title}`,
    `demands    ${demand}`,
    `severity   ${severity}`,
    `measured   ${measure}`,
    ...references.map(({ framework, sections }) => `${framework.padEnd(9)}  ${sections.join(', ')}`),
    `state      ${WORDS[state]}${since === null ? '' : ` since ${since}`}`,
    `seen       ${seen}`,
    ...(justification === null
      ? []
      : [
          `justified  by the ${justification.by}${justification.until === null ? '' : ` until ${justification.until}`}: ${justification.reason}`,
          ...(justification.compensates === null ? [] : [`instead    ${justification.compensates}`]),
        ]),
    ...(control.machines === null ? [] : ['', ...results.map(rowLine)]),
    ...(history.length < 2 ? [] : ['', historyText(history)]),
  ].join('\n');
}

export function machineText({ machine, results, history }: MachineAnswer): string {
  return [
    ...(machine === null ? [] : [`${machine.hostname} (${machine.subject})`, tallyText(machine), '']),
    ...results.map(rowLine),
    ...(history.length < 2 ? [] : ['', historyText(history)]),
  ].join('\n');
}

function rowLine({ subject, control, state, title, seen }: ExportRow): string {
  return `${control.padEnd(10)}  ${state.padEnd(14)}  ${subject === 'appliance' ? '' : `${subject}  `}${title}: ${seen}`;
}

/** Oldest first. */
export function historyText(history: readonly RatePoint[]): string {
  if (history.length === 0) return 'nothing was sampled in this time';
  return history.map((point) => `${point.at}  ${tallyText(point)}`).join('\n');
}
