/** Everything that can be wrong. Each has a section in docs/operate/alarms.md that says what to do. */
export const ALARM_KINDS = [
  'appliance_silent',
  'update_failing',
  'drift',
  'image_changed',
  'firewall_changed',
  'reports_refused',
  'sign_ins_failing',
  'rollout_braked',
  'delivery_failing',
  'job_stuck',
  'job_failed',
  'evidence_forked',
  'finding_open',
] as const;
export type AlarmKind = (typeof ALARM_KINDS)[number];

/** `critical`: somebody should look now. `warning`: somebody should look today. */
export type Severity = 'critical' | 'warning';
export const SEVERITIES: readonly Severity[] = ['critical', 'warning'];

const FACTS: Readonly<Record<AlarmKind, { title: string; severity: Severity }>> = {
  appliance_silent: { title: 'Silent appliance', severity: 'critical' },
  update_failing: { title: 'Failing update', severity: 'warning' },
  drift: { title: 'Drift', severity: 'warning' },
  image_changed: { title: 'Image not as published', severity: 'critical' },
  firewall_changed: { title: 'Firewall changed', severity: 'critical' },
  reports_refused: { title: 'Reports refused', severity: 'warning' },
  sign_ins_failing: { title: 'Sign-ins failing', severity: 'warning' },
  rollout_braked: { title: 'Rollout stopped by itself', severity: 'critical' },
  delivery_failing: { title: 'Alarms not delivered', severity: 'warning' },
  job_stuck: { title: 'Build stuck', severity: 'warning' },
  job_failed: { title: 'Build failed', severity: 'warning' },
  evidence_forked: { title: 'Evidence contradicts itself', severity: 'critical' },
  finding_open: { title: 'Critical finding stays open', severity: 'critical' },
};

export function titleOf(kind: AlarmKind): string {
  return FACTS[kind].title;
}

export function severityOf(kind: AlarmKind): Severity {
  return FACTS[kind].severity;
}
