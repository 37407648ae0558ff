import { Gauge, Registry } from 'prom-client';
import { SENSOR_STATES, SEVERITIES, type SiteReport } from './report.ts';

/** The site as Prometheus metrics. @param report null: the service does not answer, and nothing is claimed */
export function siteMetrics(report: SiteReport | null): Registry {
  const registry = new Registry();
  if (report === null) return registry;
  const { counts, evidence } = report;
  const gauge = (
    name: string,
    help: string,
    label: string | null,
    samples: [value: number, of: string][],
  ) => {
    const metric = new Gauge({
      ...{ name: `bulkhead_${name}`, help, registers: [registry] },
      labelNames: label === null ? [] : [label],
    });
    for (const [value, of] of samples) metric.set(label === null ? {} : { [label]: of }, value);
  };
  const one = (name: string, help: string, value: number) => gauge(name, help, null, [[value, '']]);

  const { sensors } = counts;
  if (sensors !== null) {
    gauge(
      ...(['sensors', 'Sensors that were let in.', 'state'] as const),
      SENSOR_STATES.map((state) => [sensors[state], state]),
    );
    one('sensors_waiting', 'Sensors that wait to be let in.', counts.waiting);
  }
  gauge(
    ...(['findings_open', 'Findings that are open.', 'severity'] as const),
    SEVERITIES.map((severity) => [counts.findings[severity], severity]),
  );
  gauge(
    ...(['healings', 'Attempts to put something right, as far as they are kept.', 'state'] as const),
    Object.entries(counts.healings).map(([state, count]) => [count, state]),
  );
  one('events_stored', 'Detections that are kept.', counts.events);
  one('evidence_records', 'Records of the evidence chain that is written to.', evidence.records);
  one('evidence_size_bytes', 'What the evidence takes on the disk.', evidence.size_bytes);
  if (evidence.countersigned !== null) {
    const at_s = Date.parse(evidence.countersigned.at) / 1000;
    one(
      'evidence_countersigned_timestamp_seconds',
      'When a coordinator last countersigned the evidence.',
      at_s,
    );
  }
  return registry;
}
