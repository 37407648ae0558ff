import {
  CONTROL_STATES,
  type ComplianceReport,
  type ControlReport,
  type ControlState,
  FRAMEWORK_NAMES,
  type MachineReport,
  type RatePoint,
} from '../../status-page/compliance/report.ts';
import type { Finding } from '../findings/findings.ts';
import type { Assessment } from './assess.ts';
import { APPLIANCE } from './detections.ts';
import { REPORT_FINDINGS_MAX, REPORT_MACHINES_MAX } from './limits.ts';
import type { MachineResult } from './machines.ts';
import { type Control, FRAMEWORK_TITLES } from './register/control.ts';
import { MEASURE_WORDS } from './register/measure.ts';
import { REGISTER } from './register/register.ts';
import type { Standing } from './states.ts';
import { type Counts, countStates, tallyOf } from './tally.ts';

/** Everything that a report is made of. */
export interface ReportParts {
  assessment: Assessment;
  machines: readonly MachineResult[];
  scopes: ReadonlyMap<string, Counts>;
  standings: ReadonlyMap<string, Standing>;
  findings: readonly Finding[];
  /** By the day, oldest first. */
  history: readonly RatePoint[];
  hostname: string;
}

/** What the page and the API show. Pure. */
export function buildReport(parts: ReportParts): ComplianceReport {
  const { assessment, scopes, history, findings, machines } = parts;
  const generated_at = new Date(assessment.at_ms).toISOString();
  const tally = (scope: string) => tallyOf(scopes.get(scope) ?? countStates([]));
  const listed = listMachines(machines, parts.hostname, assessment);
  return {
    generated_at,
    hostname: parts.hostname,
    period: { from: history[0]?.at ?? generated_at, until: history.at(-1)?.at ?? generated_at },
    appliance: tally('appliance'),
    frameworks: FRAMEWORK_NAMES.map((framework) => ({
      framework,
      title: FRAMEWORK_TITLES[framework],
      ...tally(`framework:${framework}`),
    })),
    controls: listControls(parts),
    machines: listed.slice(0, REPORT_MACHINES_MAX),
    machines_left_out: Math.max(0, listed.length - REPORT_MACHINES_MAX),
    findings: findings
      .slice(0, REPORT_FINDINGS_MAX)
      .map(({ subject, hostname, check_type, control, severity, opened_at, expected, actual }) => ({
        ...{ subject, hostname, check_type, control, severity, opened_at, expected, actual },
      })),
    findings_left_out: Math.max(0, findings.length - REPORT_FINDINGS_MAX),
    history: [...history],
    problems: [...assessment.problems],
  };
}

function listControls({ assessment, machines, scopes, standings }: ReportParts): ControlReport[] {
  const results = new Map(assessment.results.map((result) => [result.control.id, result]));
  const reported = new Set(machines.map(({ control }) => control?.id));
  return REGISTER.flatMap((control): ControlReport[] => {
    const result = results.get(control.id);
    if (result !== undefined) {
      const { state, seen, justification } = result;
      return [
        {
          ...describe(control),
          state,
          seen,
          since: sinceOf(standings, control, state),
          justification,
          machines: null,
        },
      ];
    }
    // A control of machines that none of them reports says nothing here.
    if (!reported.has(control.id)) return [];
    const counts = scopes.get(`control:${control.id}`) ?? countStates([]);
    return [
      {
        ...describe(control),
        state: CONTROL_STATES.find((state) => counts[state] > 0) ?? 'not_applicable',
        seen: summarise(counts),
        since: null,
        justification: null,
        machines: tallyOf(counts),
      },
    ];
  });
}

function describe({ id, title, demand, severity, measure, references }: Control) {
  return {
    ...{ id, title, demand, severity },
    measure: MEASURE_WORDS[measure.name],
    references: FRAMEWORK_NAMES.flatMap((framework) => {
      const sections = references[framework];
      return sections === undefined ? [] : [{ framework, sections: [...sections] }];
    }),
  };
}

function sinceOf(standings: ReportParts['standings'], { id }: Control, state: ControlState): string | null {
  const standing = standings.get(id);
  return standing?.state === state ? new Date(standing.since_ms).toISOString() : null;
}

const WORDS: Record<ControlState, string> = {
  fails: 'fails on',
  unknown: 'unknown of',
  justified: 'justified on',
  holds: 'holds on',
  not_applicable: 'not applicable to',
};

function summarise(counts: Counts): string {
  return CONTROL_STATES.filter((state) => counts[state] > 0)
    .map((state) => `${WORDS[state]} ${counts[state]}`)
    .join(', ');
}

/** The appliance, then the others, those that need somebody first. */
function listMachines(
  machines: readonly MachineResult[],
  hostname: string,
  { results }: Assessment,
): MachineReport[] {
  const own = describeMachine(
    APPLIANCE,
    hostname,
    results.map(({ control, state }) => [control.id, state]),
  );
  const others = [...Map.groupBy(machines, ({ subject }) => subject)].map(([subject, found]) =>
    describeMachine(
      subject,
      found[0]?.hostname ?? subject,
      found.map(({ control, check_type, state }) => [control?.id ?? check_type, state]),
    ),
  );
  others.sort((a, b) => b.failing.length - a.failing.length || (a.subject < b.subject ? -1 : 1));
  return [own, ...others];
}

function describeMachine(
  subject: string,
  hostname: string,
  states: readonly (readonly [id: string, state: ControlState])[],
): MachineReport {
  return {
    ...{ subject, hostname },
    ...tallyOf(countStates(states.map(([, state]) => state))),
    failing: states.flatMap(([id, state]) => (state === 'fails' || state === 'unknown' ? [id] : [])),
  };
}
