import type { Database, SQLQueryBindings } from 'bun:sqlite';
import type { Detection } from './detection.ts';
import type { Finding } from './fold.ts';
import { FIND_LIMIT, FIND_LIMIT_MAX, OPEN_MAX } from './limits.ts';
import { type EventRow, type FindingRow, toFinding } from './tables.ts';

/** A detection as it was recorded. */
export interface StoredEvent extends Detection {
  event_id: string;
  /** Rises with the order in which they were recorded. */
  seq: number;
  /** By the clock of the appliance. */
  received_at: string;
}

export interface FindingQuery {
  subject?: string;
  check_type?: string;
  state?: 'open' | 'closed';
  /** 1 to FIND_LIMIT_MAX; default FIND_LIMIT. */
  limit?: number;
  before?: string;
}

export type EventQuery = Omit<FindingQuery, 'state'>;

export interface CheckQuery {
  subject?: string;
  check_type?: string;
}

/** What a check said last. */
export interface CurrentCheck {
  subject: string;
  check_type: string;
  passed: boolean;
  at_s: number;
  event_id: string;
  /** The open finding. */
  finding_id: string | null;
}

/** How much there is of what. */
export interface FindingCounts {
  /** Events that are stored. */
  events: number;
  open: { subject: string; severity: Detection['severity']; count: number }[];
}

export function countFindings(database: Database): FindingCounts {
  const events = database.query<{ count: number }, []>('select count(*) as count from events').get();
  const open = database
    .query<FindingCounts['open'][number], []>(
      "select subject, severity, count(*) as count from findings where state = 'open' group by subject, severity",
    )
    .all();
  return { events: events?.count ?? 0, open };
}

/** Latest first. */
export function findFindings(database: Database, query: FindingQuery, all?: 'all'): Finding[] {
  const { subject, check_type, state, before } = query;
  const { where, values } = conditions({
    'subject = ?': subject,
    'check_type = ?': check_type,
    'state = ?': state,
    'id < ?': before,
  });
  return database
    .query<FindingRow, SQLQueryBindings[]>(`select * from findings ${where} order by id desc limit ?`)
    .all(...values, all ? OPEN_MAX : limitOf(query))
    .map(toFinding);
}

/** Latest first. */
export function findEvents(database: Database, query: EventQuery): StoredEvent[] {
  const { subject, check_type, before } = query;
  const { where, values } = conditions({
    'subject = ?': subject,
    // Of one subject there are few: its own index finds them, and the other would walk through those of all.
    [subject === undefined ? 'check_type = ?' : '+check_type = ?']: check_type,
    'seq < ?': before === undefined ? undefined : Number(before),
  });
  return database
    .query<EventRow, SQLQueryBindings[]>(`select * from events ${where} order by seq desc limit ?`)
    .all(...values, limitOf(query))
    .map(toEvent);
}

/** Every check that was ever reported, and how it stands. */
export function currentChecks(database: Database, { subject, check_type }: CheckQuery): CurrentCheck[] {
  const { where, values } = conditions({ 'subject = ?': subject, 'check_type = ?': check_type });
  return database
    .query<Omit<CurrentCheck, 'passed'> & { passed: number }, SQLQueryBindings[]>(
      `select subject, check_type, passed, at_s, event_id, finding_id from checks ${where} order by subject, check_type`,
    )
    .all(...values)
    .map((row) => ({ ...row, passed: row.passed === 1 }));
}

function limitOf({ limit = FIND_LIMIT }: { limit?: number }): number {
  return Math.min(Math.max(1, Math.trunc(limit)), FIND_LIMIT_MAX);
}

/** The conditions that were asked for. */
function conditions(asked: Readonly<Record<string, string | number | undefined>>) {
  const chosen = Object.entries(asked).flatMap(([text, value]) =>
    value === undefined ? [] : [{ text, value }],
  );
  const where = chosen.length === 0 ? '' : `where ${chosen.map(({ text }) => text).join(' and ')}`;
  return { where, values: chosen.map(({ value }) => value) };
}

function toEvent({ passed, metadata, received_ms, ...row }: EventRow): StoredEvent {
  const { event_id, seq, subject, hostname, check_type, expected, actual, control, severity, at_s } = row;
  return {
    ...{
      event_id,
      seq,
      subject,
      hostname,
      check_type,
      passed: passed === 1,
      expected,
      actual,
      control,
      severity,
    },
    ...{ at_s, metadata: JSON.parse(metadata) as StoredEvent['metadata'] },
    received_at: new Date(received_ms).toISOString(),
  };
}
