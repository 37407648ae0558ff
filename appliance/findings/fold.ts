import type { Detection, Receipt } from './detection.ts';
import { LATE_MAX_S } from './limits.ts';

/** Something that is, or was, not as it should be; of one subject and check at most one is open. */
export interface Finding {
  /** Sorts by when it was opened. */
  id: string;
  subject: string;
  hostname: string;
  check_type: string;
  control: string | null;
  severity: Detection['severity'];
  state: 'open' | 'closed';
  opened_at: string;
  last_seen_at: string;
  closed_at: string | null;
  closed_by: ClosedBy | null;
  expected: string;
  actual: string;
  times_seen: number;
}

export type ClosedBy = 'detection' | 'healing' | 'operator';

/** What is known about one check of one subject. */
export interface CheckState {
  /** Of the newest detection, clamped as `observedAt` does. */
  at_s: number;
  passed: boolean;
  /** The open one. */
  finding: Finding | null;
}

export interface FoldMoment {
  now_s: number;
  /** For a finding that is opened now. */
  finding_id: string;
  /** Whom a finding that is closed now is closed by. */
  closes_as: 'detection' | 'healing';
}

export interface Folded {
  state: CheckState;
  /** As it stands now; null: there is none, or it is untouched. */
  finding: Finding | null;
  transition: Receipt['transition'];
}

/**
 * What a detection changes. Newer ones count; one that comes late, behind a newer one, is an event and changes nothing, or an old `passed`
 * out of a sensor's queue would close what was found since.
 */
export function fold(detection: Detection, before: CheckState | null, moment: FoldMoment): Folded {
  const at_s = observedAt(detection.at_s, moment.now_s);
  if (before !== null && at_s < before.at_s) return { state: before, finding: null, transition: 'none' };
  const open = before?.finding ?? null;
  const { passed } = detection;
  if (passed && open === null)
    return { state: { at_s, passed, finding: null }, finding: null, transition: 'none' };
  const at = new Date(at_s * 1000).toISOString();
  if (passed && open !== null) {
    const finding: Finding = { ...open, state: 'closed', closed_at: at, closed_by: moment.closes_as };
    return { state: { at_s, passed, finding: null }, finding, transition: 'closed' };
  }
  const finding = open === null ? opened(detection, moment.finding_id, at) : seenAgain(open, detection, at);
  return {
    state: { at_s, passed, finding },
    finding,
    transition: open === null ? 'opened' : 'still_open',
  };
}

/**
 * When it was seen, as far as a sensor's clock can be believed: never later than now, or nothing could ever be newer; and what claims to
 * be older than anything can wait in a queue is of now, or a clock that was set back would hold its findings open.
 */
export function observedAt(at_s: number, now_s: number): number {
  return at_s > now_s || at_s < now_s - LATE_MAX_S ? now_s : at_s;
}

function opened(detection: Detection, id: string, at: string): Finding {
  const { subject, hostname, check_type, control, severity, expected, actual } = detection;
  return {
    ...{ id, subject, hostname, check_type, control, severity, state: 'open', opened_at: at },
    ...{ last_seen_at: at, closed_at: null, closed_by: null, expected, actual, times_seen: 1 },
  };
}

function seenAgain(open: Finding, detection: Detection, at: string): Finding {
  const { hostname, control, severity, expected, actual } = detection;
  return {
    ...open,
    ...{ hostname, control, severity, expected, actual },
    last_seen_at: at,
    times_seen: open.times_seen + 1,
  };
}
