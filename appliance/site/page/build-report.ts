import { SEVERITIES, type SensorReport, type SiteReport } from '../../../status-page/site/report.ts';
import type { EvidenceStatus } from '../../evidence/control.ts';
import type { Finding, FindingCounts, StoredEvent } from '../../findings/findings.ts';
import type { HealingStatus } from '../../healing/control.ts';
import type { Healing } from '../../healing/engine/healing-record.ts';
import type { TargetStatus } from '../../healing/targets/poller.ts';
import type { SensorList } from '../../sensors/control.ts';
import { sensorPresence } from '../../sensors/registry/presence.ts';
import type { Sensor } from '../../sensors/registry/sensor.ts';

/** What the service of the site told, question by question. */
export interface SiteAnswers {
  now: Date;
  hostname: string;
  /** null: sensors are not enabled. */
  sensors: SensorList | null;
  targets: readonly TargetStatus[];
  counts: FindingCounts;
  findings: readonly Finding[];
  events: readonly StoredEvent[];
  healing: HealingStatus;
  healings: readonly Healing[];
  evidence: EvidenceStatus;
}

/** Puts together what the page of the site shows. What has no place in its schema does not get there. Pure. */
export function buildSiteReport(answers: SiteAnswers): SiteReport {
  const { now, hostname, targets, counts, findings, events, healing, healings, evidence } = answers;
  const openOf = new Map<string, number>();
  for (const { subject, count } of counts.open) openOf.set(subject, (openOf.get(subject) ?? 0) + count);
  const behind = answers.sensors?.behind ?? {};
  const sensors = (answers.sensors?.sensors ?? [])
    .map((sensor) => ({
      ...sensorReport(sensor, now, openOf.get(sensor.id) ?? 0),
      newer_version: behind[sensor.id] ?? null,
    }))
    .sort((one, other) => (other.last_heard_at ?? '').localeCompare(one.last_heard_at ?? ''));
  const waiting = answers.sensors?.waiting ?? [];
  const inState = (state: SensorReport['state']) => sensors.filter((sensor) => sensor.state === state).length;
  const bySeverity = SEVERITIES.map((severity): [string, number] => [
    severity,
    counts.open.reduce((sum, one) => sum + (one.severity === severity ? one.count : 0), 0),
  ]);
  const { mode, reason, by_whom } = healing.switch;
  const { failure, head, size_bytes, max_bytes, countersigned } = evidence;
  return {
    ...{ generated_at: now.toISOString(), hostname },
    counts: {
      sensors:
        answers.sensors === null
          ? null
          : { live: inState('live'), silent: inState('silent'), revoked: inState('revoked') },
      waiting: waiting.filter(({ approved }) => !approved).length,
      findings: Object.fromEntries(bySeverity) as SiteReport['counts']['findings'],
      ...{ healings: healing.counts, events: counts.events },
    },
    ...{ sensors, waiting, machines: [...targets], findings: [...findings], events: [...events] },
    healings: healings.map(({ detected_s, ...each }) => ({
      ...each,
      began_at: new Date(detected_s * 1000).toISOString(),
    })),
    healing: { mode, reason, by_whom, running: healing.running, stopped: healing.stopped },
    evidence: {
      ...{ records: head.seq, size_bytes, max_bytes, failure },
      countersigned:
        countersigned === null ? null : { records: countersigned.seq, at: countersigned.noted_at },
    },
  };
}

function sensorReport(sensor: Sensor, now: Date, open_findings: number): Omit<SensorReport, 'newer_version'> {
  const { id, hostname, way, tier, os_version, agent_version, last_heard_at } = sensor;
  return {
    ...{ id, hostname, way, tier, os_version, agent_version, last_heard_at, open_findings },
    state: sensorPresence(sensor, now.getTime()),
  };
}
