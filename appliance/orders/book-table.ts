import { type BookEntry, ENTRY_STATES } from './entry.ts';

/** Name of the book in the agent's own folder. */
export const BOOK_FILE = 'orders.db';

/** The book as a table. JSON stands in text columns. */
export const CREATE_TABLE = `create table if not exists orders (
  id text not null,
  attempt integer not null,
  type text not null,
  parameters text not null,
  timeout_s integer not null,
  expires_ms integer not null,
  state text not null,
  accepted_ms integer not null,
  started_ms integer,
  start_boot text,
  start_run text,
  start_version text,
  ended_ms integer,
  code text,
  message text,
  facts text,
  told text not null,
  primary key (id, attempt)
) strict`;

export interface BookRow {
  id: string;
  attempt: number;
  type: string;
  parameters: string;
  timeout_s: number;
  expires_ms: number;
  state: string;
  accepted_ms: number;
  started_ms: number | null;
  start_boot: string | null;
  start_run: string | null;
  start_version: string | null;
  ended_ms: number | null;
  code: string | null;
  message: string | null;
  facts: string | null;
  told: string;
}

/** @throws Error for a row that no version of this program has written */
export function toEntry(row: BookRow): BookEntry {
  const { id, attempt, type, timeout_s, accepted_ms, ended_ms, code, message, told } = row;
  const state = ENTRY_STATES.find((known) => known === row.state);
  if (!state || (told !== 'nothing' && told !== 'accepted' && told !== 'ended'))
    throw new Error(`order ${id}/${attempt} is in a state that is none: ${row.state}, ${told}`);
  const { started_ms, start_boot, start_run, start_version } = row;
  return {
    ...{ id, attempt, type, timeout_s, state, accepted_ms, ended_ms, code, message, told },
    parameters: JSON.parse(row.parameters) as BookEntry['parameters'],
    facts: row.facts === null ? null : (JSON.parse(row.facts) as BookEntry['facts']),
    start:
      started_ms === null || start_boot === null || start_run === null
        ? null
        : { at_ms: started_ms, boot_id: start_boot, run_id: start_run, version: start_version },
  };
}
