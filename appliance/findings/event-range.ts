import type { Database } from 'bun:sqlite';
import { DIGEST_MAX } from './limits.ts';

/** Events in their order, as one digest. */
export interface EventRange {
  first_seq: number;
  last_seq: number;
  count: number;
  /** SHA-256, hex, over one line for each event: `SEQ EVENT_ID\n`. The id is a hash of all the event says. */
  sha256: string;
}

/**
 * The events behind one, at most DIGEST_MAX of them; asked again behind `last_seq`, it goes on.
 *
 * @param seq 0: from the first that is kept
 */
export function rangeAfter(database: Database, seq: number): EventRange | null {
  const rows = database
    .query<{ seq: number; event_id: string }, [number, number]>(
      'select seq, event_id from events where seq > ? order by seq limit ?',
    )
    .all(seq, DIGEST_MAX);
  const first = rows[0];
  const last = rows.at(-1);
  if (!first || !last) return null;
  const hash = new Bun.CryptoHasher('sha256');
  for (const row of rows) hash.update(`${row.seq} ${row.event_id}\n`);
  return { first_seq: first.seq, last_seq: last.seq, count: rows.length, sha256: hash.digest('hex') };
}
