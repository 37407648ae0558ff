import type { Database } from 'bun:sqlite';
import { BulkheadError } from '../../base/errors.ts';
import type { Detection, Receipt } from './detection.ts';
import { type CheckState, type Finding, fold } from './fold.ts';
import { EVENT_ID_DIGITS, eventIdOf } from './identity.ts';
import {
  CHECKS_PER_SUBJECT_MAX,
  CLOSED_PER_SUBJECT_MAX,
  EVENT_OVERHEAD_BYTES,
  PRUNE_MAX,
  RECORD_MAX,
} from './limits.ts';
import { type FindingRow, toFinding } from './tables.ts';

export interface RecordMoment {
  received_ms: number;
  closes_as: 'detection' | 'healing';
  /** Of the event, as `sizeOf` counts it. */
  size_bytes: number;
}

/** About what a detection takes in the store. */
export function sizeOf({ subject, hostname, check_type, expected, actual, metadata }: Detection): number {
  let size_bytes = EVENT_OVERHEAD_BYTES + subject.length + hostname.length + check_type.length;
  size_bytes += Buffer.byteLength(expected) + Buffer.byteLength(actual);
  for (const name in metadata) size_bytes += name.length + Buffer.byteLength(metadata[name] ?? '') + 6;
  return size_bytes;
}

/**
 * Writes one detection and what it changes, inside a transaction of the caller's.
 *
 * @throws BulkheadError FINDING_CHECKS_MAX; SQLiteError
 */
export function recordDetection(file: Database, detection: Detection, moment: RecordMoment): Receipt {
  const event_id = eventIdOf(detection);
  const seq = insertEvent(file, event_id, detection, moment);
  if (seq === null) return { event_id, first: false, transition: 'none' };
  const before = stateBefore(file, detection);
  if (before === null) makeRoomForCheck(file, detection.subject);
  const { state, finding, transition } = fold(detection, before, {
    now_s: Math.floor(moment.received_ms / 1000),
    finding_id: findingId(seq, event_id),
    closes_as: moment.closes_as,
  });
  if (state !== before) writeState(file, detection, state, event_id);
  if (finding !== null) writeFinding(file, finding, seq);
  if (transition === 'closed') forgetClosed(file, detection.subject);
  return { event_id, first: true, transition };
}

export function tooMany(count: number): BulkheadError {
  return new BulkheadError(
    'DETECTION_TOO_MANY',
    `${count} detections are more than the ${RECORD_MAX} that go at once`,
    { hint: 'record them in several pieces' },
  );
}

/** Rises with the events; the digits of the event behind it keep it apart from one of a store that was begun anew. */
function findingId(seq: number, event_id: string): string {
  return `f-${seq.toString(16).padStart(EVENT_ID_DIGITS / 2 - 4, '0')}-${event_id.slice(2, 10)}`;
}

function insertEvent(
  file: Database,
  event_id: string,
  detection: Detection,
  { received_ms, size_bytes }: RecordMoment,
): number | null {
  const { subject, hostname, check_type, passed, expected, actual, control, severity, at_s, metadata } =
    detection;
  const row = file
    .query<{ seq: number }, (string | number | null)[]>(
      `insert into events (event_id, subject, hostname, check_type, passed, expected, actual, control, severity, at_s, metadata,
         received_ms, size_bytes)
       values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict (at_s, event_id) do nothing returning seq`,
    )
    .get(
      ...[event_id, subject, hostname, check_type, Number(passed), expected, actual, control, severity, at_s],
      ...[JSON.stringify(metadata), received_ms, size_bytes],
    );
  return row?.seq ?? null;
}

function stateBefore(file: Database, { subject, check_type }: Detection): CheckState | null {
  const check = file
    .query<{ at_s: number; passed: number; finding_id: string | null }, [string, string]>(
      'select at_s, passed, finding_id from checks where subject = ? and check_type = ?',
    )
    .get(subject, check_type);
  if (check === null) return null;
  const { at_s, passed, finding_id } = check;
  const row =
    finding_id === null
      ? null
      : file.query<FindingRow, [string]>('select * from findings where id = ?').get(finding_id);
  return { at_s, passed: passed === 1, finding: row && toFinding(row) };
}

function makeRoomForCheck(file: Database, subject: string): void {
  const { count } = file
    .query<{ count: number }, [string]>('select count(*) as count from checks where subject = ?')
    .get(subject) ?? { count: 0 };
  if (count >= CHECKS_PER_SUBJECT_MAX)
    throw new BulkheadError('FINDING_CHECKS_MAX', `${subject} has ${count} different checks already`, {
      hint: 'a check has one name that stays; what differs goes into its metadata',
    });
}

/** The oldest of what one subject has closed goes when it is too much. */
function forgetClosed(file: Database, subject: string): void {
  file
    .query(
      `delete from findings where id in
         (select id from findings where subject = ? and state = 'closed' order by id desc limit ? offset ?)`,
    )
    .run(subject, PRUNE_MAX, CLOSED_PER_SUBJECT_MAX);
}

function writeState(
  file: Database,
  { subject, check_type }: Detection,
  { at_s, passed, finding }: CheckState,
  event_id: string,
): void {
  file
    .query(
      `insert into checks (subject, check_type, at_s, passed, event_id, finding_id) values (?1, ?2, ?3, ?4, ?5, ?6)
       on conflict (subject, check_type) do update set at_s = ?3, passed = ?4, event_id = ?5, finding_id = ?6`,
    )
    .run(subject, check_type, at_s, Number(passed), event_id, finding?.id ?? null);
}

/** @param seq of the event that opens it, if it is new */
function writeFinding(file: Database, finding: Finding, seq: number): void {
  const { id, subject, hostname, check_type, control, severity, state } = finding;
  const { opened_at, last_seen_at, closed_at, closed_by, expected, actual, times_seen } = finding;
  file
    .query(
      `insert into findings (id, subject, hostname, check_type, control, severity, state, opened_at, last_seen_at, closed_at, closed_by,
         expected, actual, times_seen, opening_seq)
       values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)
       on conflict (id) do update set hostname = ?3, control = ?5, severity = ?6, state = ?7, last_seen_at = ?9, closed_at = ?10,
         closed_by = ?11, expected = ?12, actual = ?13, times_seen = ?14`,
    )
    .run(
      ...[id, subject, hostname, check_type, control, severity, state, opened_at, last_seen_at, closed_at],
      ...[closed_by, expected, actual, times_seen, seq],
    );
}
