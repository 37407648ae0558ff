import { type Static, Type as t } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { OneOf, Unknowable } from '../../base/schema.ts';
// Gives `date-time` its meaning.
import '../../health-gate/verdict-schema.ts';

/**
 * What the appliance does for the machines around it: who reports to it, what was found, what was put right, and what is on record.
 * One schema for the page, the JSON and the metrics, and for whoever makes the report.
 */

export const TIERS = ['monitor_only', 'self_heal', 'full_remediation'] as const;
export type Tier = (typeof TIERS)[number];

/** Most pressing first. */
export const SEVERITIES = ['critical', 'high', 'medium', 'low', 'info'] as const;
export type Severity = (typeof SEVERITIES)[number];

export const SENSOR_STATES = ['live', 'silent', 'revoked'] as const;
export type SensorState = (typeof SENSOR_STATES)[number];

const HEALING_STATES = [
  ...(['detected', 'acting', 'verifying'] as const),
  ...(['healed', 'not_healed', 'gave_up', 'refused'] as const),
] as const;
const HEALING_MODES = ['on', 'off', 'dry_run'] as const;

const count = (description: string) => t.Integer({ minimum: 0, description });
const amount = t.Integer({ minimum: 0 });
const instant = (description: string) => t.String({ format: 'date-time', description });
const tier = OneOf(TIERS, { description: 'what it may be told to do' });
const subject = t.String({ description: 'appliance, a sensor (s-…) or a machine looked at from here (t-…)' });

export const SensorReport = t.Object({
  id: t.String({ description: 's-0123456789abcdef' }),
  hostname: t.String({ description: 'as it names itself' }),
  way: OneOf(['grpc', 'http'] as const),
  tier,
  os_version: t.String(),
  agent_version: t.String(),
  newer_version: Unknowable(t.String({ description: 'of its program, which the appliance offers it' })),
  state: OneOf(SENSOR_STATES, { description: 'silent: not heard of for three minutes' }),
  last_heard_at: Unknowable(instant('when it last said something')),
  open_findings: count('of this machine'),
});
export type SensorReport = Static<typeof SensorReport>;

export const WaitingReport = t.Object({
  fingerprint: t.String({ pattern: '^[0-9a-f]{8,64}$', description: 'the machine shows the same digits' }),
  way: t.String(),
  address: t.String(),
  hostname: t.String({ description: 'as it names itself: anybody can' }),
  os_version: t.String(),
  agent_version: t.String(),
  since: instant('first asked'),
  approved: t.Boolean({ description: 'it is in at its next try' }),
});
export type WaitingReport = Static<typeof WaitingReport>;

const MachineLooked = t.Object({
  name: t.String(),
  address: t.String(),
  platform: t.String(),
  way: t.String(),
  tier: t.String(),
  looked_at: Unknowable(instant('the last look')),
  reachable: Unknowable(t.Boolean()),
  failing: t.Array(t.String(), { description: 'checks that did not pass' }),
});

const FindingReport = t.Object({
  subject,
  hostname: t.String(),
  check_type: t.String(),
  severity: OneOf(SEVERITIES),
  opened_at: instant('when it was first seen'),
  expected: t.String(),
  actual: t.String(),
  times_seen: count('detections that said so'),
});

const EventReport = t.Object({
  subject,
  hostname: t.String(),
  check_type: t.String(),
  passed: t.Boolean(),
  severity: OneOf(SEVERITIES),
  actual: t.String(),
  received_at: instant('by the clock of the appliance'),
});

const HealingReport = t.Object({
  subject,
  hostname: t.String(),
  check_type: t.String(),
  action: t.String(),
  attempt: count('from 1'),
  state: OneOf(HEALING_STATES),
  dry_run: t.Boolean({ description: 'nothing was done' }),
  began_at: instant('when it was detected'),
  reason: Unknowable(t.String({ description: 'why it ended as it did' })),
});

const StopReport = t.Object({ subject, hostname: t.String(), check_type: t.String(), why: t.String() });

const Counts = t.Object({
  sensors: t.Union([t.Object({ live: amount, silent: amount, revoked: amount }), t.Null()], {
    description: 'null: sensors are not enabled',
  }),
  waiting: count('who wait to be let in'),
  findings: t.Object(
    { critical: amount, high: amount, medium: amount, low: amount, info: amount },
    { description: 'open ones' },
  ),
  healings: t.Object(
    {
      ...{ detected: amount, acting: amount, verifying: amount },
      ...{ healed: amount, not_healed: amount, gave_up: amount, refused: amount },
    },
    { description: 'those that are kept' },
  ),
  events: count('stored'),
});

export const SiteReport = t.Object({
  generated_at: instant('when the service of the site told'),
  hostname: t.String(),
  counts: Counts,
  sensors: t.Array(SensorReport, { description: 'those heard of last first' }),
  waiting: t.Array(WaitingReport),
  machines: t.Array(MachineLooked, { description: 'without a sensor; looked at from here' }),
  findings: t.Array(FindingReport, { description: 'open ones, latest first, as many as fit' }),
  events: t.Array(EventReport, { description: 'the last ones' }),
  healings: t.Array(HealingReport, { description: 'the last ones' }),
  healing: t.Object({
    mode: OneOf(HEALING_MODES, { description: 'what holds' }),
    reason: t.String({ description: 'why it was switched; empty: it was not' }),
    by_whom: t.String(),
    running: count('under way'),
    stopped: t.Array(StopReport, {
      description: 'where healing has come to its limit and waits for a person',
    }),
  }),
  evidence: t.Object({
    records: count('of the chain that is written to'),
    size_bytes: count('on the disk'),
    max_bytes: count('it may take'),
    failure: Unknowable(t.String({ description: 'why nothing is taken any more' })),
    countersigned: t.Union([t.Object({ records: count('up to this one'), at: instant('when') }), t.Null()], {
      description: 'by the coordinator; null: never',
    }),
  }),
});
export type SiteReport = Static<typeof SiteReport>;

/** Leaves behind what has no field here. @returns null when it is no report */
export function admitSiteReport(candidate: unknown): SiteReport | null {
  const report = Value.Clean(SiteReport, Value.Clone(candidate));
  return Value.Check(SiteReport, report) ? report : null;
}

export function openFindings({ findings }: SiteReport['counts']): number {
  return SEVERITIES.reduce((sum, severity) => sum + findings[severity], 0);
}

/** `2 live of 3`; those put out do not count. @returns null: sensors are not enabled */
export function sensorsInWords({ sensors }: SiteReport['counts']): string | null {
  return sensors === null ? null : `${sensors.live} live of ${sensors.live + sensors.silent}`;
}
