import { type Static, Type as t } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { OneOf, Unknowable } from '../../base/schema.ts';

/**
 * How far the appliance, and the machines around it, are what they have to be: one schema for the page, the JSON, and whoever makes
 * the report.
 */

/** In the order in which a person wants to see them. */
export const CONTROL_STATES = ['fails', 'unknown', 'justified', 'holds', 'not_applicable'] as const;
export type ControlState = (typeof CONTROL_STATES)[number];

export const FRAMEWORK_NAMES = ['HIPAA', 'SRG', 'STIG'] as const;
export type FrameworkName = (typeof FRAMEWORK_NAMES)[number];

const count = (description: string) => t.Integer({ minimum: 0, description });
const share = (description: string) => Unknowable(t.Number({ minimum: 0, maximum: 1, description }));
const instant = (description: string) => t.String({ format: 'date-time', description });

/** How many results are in which state. */
const tally = {
  holds: count('as demanded'),
  fails: count('otherwise, and nobody answers for it'),
  unknown: count('nobody can tell: not compliant'),
  justified: count('otherwise, with a reason on record'),
  not_applicable: count('there is nothing that it could be about; counts nowhere'),
  rate: share('of those that apply, the part that holds or is justified'),
  strict_rate: share('of those that apply, the part that holds'),
};
export const Tally = t.Object(tally);
export type Tally = Static<typeof Tally>;

export const Justification = t.Object({
  by: OneOf(['register', 'configuration'] as const, {
    description: 'register: it cannot hold on this appliance; configuration: the site answers for it',
  }),
  reason: t.String(),
  compensates: Unknowable(t.String({ description: 'what stands in its place' })),
  until: Unknowable(t.String({ description: 'last day on which it counts, YYYY-MM-DD, UTC' })),
});
export type Justification = Static<typeof Justification>;

export const ControlReport = t.Object({
  id: t.String({ description: 'BH-AC-01' }),
  title: t.String(),
  demand: t.String(),
  severity: OneOf(['low', 'medium', 'high', 'critical'] as const),
  measure: t.String({ description: 'how it is measured' }),
  references: t.Array(t.Object({ framework: OneOf(FRAMEWORK_NAMES), sections: t.Array(t.String()) })),
  state: OneOf(CONTROL_STATES),
  seen: t.String({ description: 'what was found' }),
  since: Unknowable(instant('when it came into this state')),
  justification: t.Union([Justification, t.Null()]),
  machines: t.Union([Tally, t.Null()], {
    description: 'of a control of other machines: how many are in which state; null for one of the appliance',
  }),
});
export type ControlReport = Static<typeof ControlReport>;

const FrameworkReport = t.Object({ framework: OneOf(FRAMEWORK_NAMES), title: t.String(), ...tally });

export const MachineReport = t.Object({
  subject: t.String({ description: 'appliance, a sensor (s-…) or a target (t-…)' }),
  hostname: t.String(),
  ...tally,
  failing: t.Array(t.String(), { description: 'controls that fail or are unknown' }),
});
export type MachineReport = Static<typeof MachineReport>;

const OpenFinding = t.Object({
  subject: t.String(),
  hostname: t.String(),
  check_type: t.String(),
  control: Unknowable(t.String()),
  severity: t.String(),
  opened_at: instant('when it was first seen'),
  expected: t.String(),
  actual: t.String(),
});

export const RatePoint = t.Object({
  at: instant('the hour that was sampled'),
  holds: tally.holds,
  fails: tally.fails,
  unknown: tally.unknown,
  justified: tally.justified,
  not_applicable: tally.not_applicable,
  rate: tally.rate,
  strict_rate: tally.strict_rate,
});
export type RatePoint = Static<typeof RatePoint>;

export const ComplianceReport = t.Object({
  generated_at: instant('when the appliance looked'),
  hostname: t.String(),
  period: t.Object({ from: instant('first hour of the history'), until: instant('its last') }),
  appliance: Tally,
  frameworks: t.Array(FrameworkReport),
  controls: t.Array(ControlReport),
  machines: t.Array(MachineReport),
  machines_left_out: count('machines that are not listed because there are too many'),
  findings: t.Array(OpenFinding),
  findings_left_out: count('findings that are not listed because there are too many'),
  history: t.Array(RatePoint, { description: 'of the appliance, a point a day, oldest first' }),
  problems: t.Array(t.String(), { description: 'what is wrong with the compliance itself' }),
});
export type ComplianceReport = Static<typeof ComplianceReport>;

/** What can be asked of a report. */
export interface ComplianceFilter {
  framework: FrameworkName | null;
  state: ControlState | null;
}

/** An unknown word filters nothing: an address that somebody mistyped still shows the page. */
export function readFilter(query: URLSearchParams): ComplianceFilter {
  const framework = query.get('framework');
  const state = query.get('state');
  return {
    framework: FRAMEWORK_NAMES.find((name) => name === framework) ?? null,
    state: CONTROL_STATES.find((name) => name === state) ?? null,
  };
}

/** The controls that pass; a control of other machines passes a state when any of them is in it. */
export function filterControls(
  controls: readonly ControlReport[],
  { framework, state }: ComplianceFilter,
): ControlReport[] {
  return controls.filter(
    (control) =>
      (framework === null || control.references.some((each) => each.framework === framework)) &&
      (state === null || control.state === state || (control.machines?.[state] ?? 0) > 0),
  );
}

/** Leaves behind what has no field here. @returns null when it is no report */
export function admitReport(candidate: unknown): ComplianceReport | null {
  const report = Value.Clean(ComplianceReport, Value.Clone(candidate));
  return Value.Check(ComplianceReport, report) ? report : null;
}
