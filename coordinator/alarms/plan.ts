import type { Finding, Findings } from './judge.ts';
import type { AlarmKind } from './kinds.ts';
import { ALARMS_PER_KIND_MAX } from './limits.ts';

export interface OpenAlarm {
  id: string;
  kind: AlarmKind;
  subject: string;
  message: string;
}

/** What has to be written so that the open alarms are what is wrong. */
export interface AlarmPlan<Open extends OpenAlarm = OpenAlarm> {
  open: readonly (Finding & { kind: AlarmKind })[];
  /** The same alarm, with other words. */
  reword: readonly { id: string; message: string }[];
  close: readonly Open[];
}

/** Stands for all whom no alarm of their own is opened for. */
const FLEET = 'fleet';

/** Each kind that was looked at: what is wrong and has no alarm gets one; what has one and is over is closed. */
export function planAlarms<Open extends OpenAlarm>(
  open: readonly Open[],
  findings: Findings,
): AlarmPlan<Open> {
  const plan = { open: [], reword: [], close: [] } as {
    open: (Finding & { kind: AlarmKind })[];
    reword: { id: string; message: string }[];
    close: Open[];
  };
  const byKind = Map.groupBy(open, ({ kind }) => kind);
  for (const [kind, found] of findings) {
    const before = new Map((byKind.get(kind) ?? []).map((alarm) => [alarm.subject, alarm]));
    const wanted = new Map(bounded(found, before).map((finding) => [finding.subject, finding]));
    for (const finding of wanted.values()) {
      const alarm = before.get(finding.subject);
      if (!alarm) plan.open.push({ kind, ...finding });
      else if (alarm.message !== finding.message)
        plan.reword.push({ id: alarm.id, message: finding.message });
    }
    for (const alarm of before.values()) if (!wanted.has(alarm.subject)) plan.close.push(alarm);
  }
  return plan;
}

/** As many as there may be one by one, those that are open already first; one for the fleet stands for the rest. */
function bounded(found: readonly Finding[], before: ReadonlyMap<string, OpenAlarm>): readonly Finding[] {
  if (found.length <= ALARMS_PER_KIND_MAX) return found;
  const [known, fresh] = [
    found.filter(({ subject }) => before.has(subject)),
    found.filter(({ subject }) => !before.has(subject)),
  ];
  const message = `the same is wrong with more than ${ALARMS_PER_KIND_MAX} others`;
  return [...[...known, ...fresh].slice(0, ALARMS_PER_KIND_MAX), { subject: FLEET, message }];
}
