import { type Kysely, sql } from 'kysely';
import { type Backend, makeTables, type TableMap } from './make-tables.ts';

const TABLES: TableMap = {
  alarms: [
    ...(['id text key', 'kind text', 'subject text', 'severity text', 'message text'] as const),
    ...(['opened_ms number', 'closed_ms number null', 'acknowledged_ms number null'] as const),
    ...(['acknowledged_by text null', 'note text null'] as const),
  ],
  report_counts: ['minute_ms number key', 'process text key', 'code text key', 'count number'],
};

/** Alarms, and what they are counted from. */
export async function addAlarms(database: Kysely<unknown>, backend: Backend): Promise<void> {
  await makeTables(database, backend, TABLES, []);
  // Of one kind and subject one is open, whoever opens it; and the few that are open are found without the many that were.
  await sql`create unique index alarms_open on alarms (kind, subject) where closed_ms is null`.execute(
    database,
  );
}
