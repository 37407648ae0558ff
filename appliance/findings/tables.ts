import type { StorePart } from '../site/store/migrations.ts';
import type { Severity } from './detection.ts';
import type { ClosedBy, Finding } from './fold.ts';

/**
 * An event's identity covers its time, so the index that finds repetitions is one by time: new events go to its end, and not to a page
 * anywhere in it, which would be a page of 4 KiB to write for each.
 */
const FIRST = `
  create table events (
    seq integer primary key autoincrement,
    event_id text not null,
    subject text not null,
    hostname text not null,
    check_type text not null,
    passed integer not null,
    expected text not null,
    actual text not null,
    control text,
    severity text not null,
    at_s integer not null,
    metadata text not null,
    received_ms integer not null,
    size_bytes integer not null
  ) strict;
  create unique index events_identity on events (at_s, event_id);
  create index events_subject on events (subject, seq);
  create index events_check_type on events (check_type, seq);
  create table findings (
    id text primary key,
    subject text not null,
    hostname text not null,
    check_type text not null,
    control text,
    severity text not null,
    state text not null,
    opened_at text not null,
    last_seen_at text not null,
    closed_at text,
    closed_by text,
    expected text not null,
    actual text not null,
    times_seen integer not null,
    opening_seq integer not null
  ) strict, without rowid;
  create unique index findings_open on findings (subject, check_type) where state = 'open';
  create index findings_opening on findings (opening_seq) where state = 'open';
  create index findings_subject on findings (subject, check_type, id);
  create index findings_state on findings (state, id);
  create table checks (
    subject text not null,
    check_type text not null,
    at_s integer not null,
    passed integer not null,
    event_id text not null,
    finding_id text,
    primary key (subject, check_type)
  ) strict, without rowid;
`;

/** How many a subject has, and which of them are the oldest. */
const CLOSED_OF_SUBJECT = `create index findings_closed_of_subject on findings (subject, id) where state = 'closed';`;

/** What findings keep in the store. */
export const FINDINGS_PART: StorePart = { name: 'findings', steps: [FIRST, CLOSED_OF_SUBJECT] };

export interface EventRow {
  seq: number;
  event_id: string;
  subject: string;
  hostname: string;
  check_type: string;
  passed: number;
  expected: string;
  actual: string;
  control: string | null;
  severity: Severity;
  at_s: number;
  metadata: string;
  received_ms: number;
}

export type FindingRow = Omit<Finding, 'state' | 'closed_by'> & {
  state: Finding['state'];
  closed_by: ClosedBy | null;
  opening_seq: number;
};

/** A row as it is told. */
export function toFinding({ opening_seq: _, ...finding }: FindingRow): Finding {
  return finding;
}
