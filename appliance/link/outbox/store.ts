import type { Database } from 'bun:sqlite';
import type { WrittenMessage } from './fit.ts';

/** One message that waits. */
export interface WaitingMessage extends WrittenMessage {
  /** Rises with time. */
  id: number;
  /** When it was put here, by the own clock. */
  put_ms: number;
}

export interface StoreBounds {
  bytes: number;
  messages: number;
}

export type Dropped = Record<'log' | 'state' | 'refused', number>;

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    order_id TEXT,
    body TEXT NOT NULL,
    put_ms INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS messages_by_kind ON messages (kind, id);
  CREATE TABLE IF NOT EXISTS dropped (what TEXT PRIMARY KEY, count INTEGER NOT NULL) STRICT;
`;

/** The oldest piece of a log; then the oldest state report that is not the newest. A message under way is left alone. */
const VICTIMS = [
  `SELECT id, octet_length(body) AS bytes, 'log' AS what FROM messages
     WHERE kind = 'log' AND id <> ? ORDER BY id LIMIT 1`,
  `SELECT id, octet_length(body) AS bytes, 'state' AS what FROM messages
     WHERE kind = 'state' AND id <> ? AND id < (SELECT max(id) FROM messages WHERE kind = 'state') ORDER BY id LIMIT 1`,
];

/** Messages in their order in one SQLite database, on a disk or in memory. Every change is one transaction. */
export class MessageStore {
  readonly #file: Database;
  readonly #bounds: StoreBounds;
  #count = 0;
  #size_bytes = 0;
  /** The message that is under way. */
  #held = 0;

  /** @throws SQLiteError */
  constructor(file: Database, bounds: StoreBounds) {
    this.#file = file;
    this.#bounds = bounds;
    file.run(SCHEMA);
    const totals = file
      .query<{ count: number; bytes: number }, []>(
        'SELECT count(*) AS count, coalesce(sum(octet_length(body)), 0) AS bytes FROM messages',
      )
      .get();
    this.#count = totals?.count ?? 0;
    this.#size_bytes = totals?.bytes ?? 0;
  }

  get count(): number {
    return this.#count;
  }

  /** All or none of them, durable; then what is too much is given up. @param messages with the ids they had, if any @throws SQLiteError */
  add(messages: readonly (WrittenMessage & { id?: number; put_ms: number })[]): void {
    const before = { count: this.#count, size_bytes: this.#size_bytes };
    try {
      this.#file.transaction(() => {
        for (const { id = null, kind, order_id, body, put_ms } of messages) {
          this.#file
            .query('INSERT INTO messages (id, kind, order_id, body, put_ms) VALUES (?, ?, ?, ?, ?)')
            .run(id, kind, order_id, body, put_ms);
          this.#count += 1;
          this.#size_bytes += Buffer.byteLength(body);
        }
        this.#makeRoom();
      })();
    } catch (error) {
      this.#count = before.count;
      this.#size_bytes = before.size_bytes;
      throw error;
    }
  }

  /** The oldest; it is under way from now on, until another is. @throws SQLiteError */
  first(): WaitingMessage | null {
    const message = this.#file
      .query<WaitingMessage, []>('SELECT id, kind, order_id, body, put_ms FROM messages ORDER BY id LIMIT 1')
      .get();
    this.#held = message?.id ?? 0;
    return message;
  }

  /** It has arrived, or never will. @param refused it was given up @throws SQLiteError */
  remove({ id, body }: Pick<WaitingMessage, 'id' | 'body'>, refused = false): void {
    const removed = this.#file.transaction(() => {
      if (refused) this.drop('refused');
      return this.#file.query('DELETE FROM messages WHERE id = ?').run(id).changes;
    })();
    if (removed > 0) this.#leave(Buffer.byteLength(body));
  }

  has(kind: WrittenMessage['kind']): boolean {
    return this.#file.query('SELECT 1 FROM messages WHERE kind = ? LIMIT 1').get(kind) !== null;
  }

  oldest_ms(): number | null {
    const row = this.#file
      .query<{ put_ms: number }, []>('SELECT put_ms FROM messages ORDER BY id LIMIT 1')
      .get();
    return row?.put_ms ?? null;
  }

  /** Messages that were given up since the file was made. */
  dropped(): Dropped {
    const rows = this.#file
      .query<{ what: keyof Dropped; count: number }, []>('SELECT what, count FROM dropped')
      .all();
    return {
      log: 0,
      state: 0,
      refused: 0,
      ...Object.fromEntries(rows.map(({ what, count }) => [what, count])),
    };
  }

  /** Counts what was given up. @throws SQLiteError */
  drop(what: keyof Dropped, count = 1): void {
    this.#file
      .query(
        'INSERT INTO dropped (what, count) VALUES (?1, ?2) ON CONFLICT (what) DO UPDATE SET count = count + ?2',
      )
      .run(what, count);
  }

  /** What is wrong with the file, looked at whole; null: nothing. @throws SQLiteError */
  damage(): string | null {
    const row = this.#file.query<{ quick_check: string }, []>('PRAGMA quick_check(1)').get();
    return row?.quick_check === 'ok' ? null : (row?.quick_check ?? 'it cannot be checked');
  }

  #makeRoom(): void {
    while (this.#count > this.#bounds.messages || this.#size_bytes > this.#bounds.bytes) {
      const victim = this.#victim();
      if (victim === null) return;
      this.#file.query('DELETE FROM messages WHERE id = ?').run(victim.id);
      this.drop(victim.what);
      this.#leave(victim.bytes);
    }
  }

  #victim() {
    for (const sql of VICTIMS) {
      const found = this.#file
        .query<{ id: number; bytes: number; what: 'log' | 'state' }, [number]>(sql)
        .get(this.#held);
      if (found) return found;
    }
    return null;
  }

  #leave(size_bytes: number): void {
    this.#count -= 1;
    this.#size_bytes -= size_bytes;
  }
}

/** What can still be read, oldest first: of a damaged file the part before the damage. */
export function rescueFrom(file: Database): WaitingMessage[] {
  const found: WaitingMessage[] = [];
  try {
    const rows = file.query<WaitingMessage, []>(
      'SELECT id, kind, order_id, body, put_ms FROM messages ORDER BY id',
    );
    for (const row of rows.iterate()) found.push(row);
  } catch {
    // The rest is what is lost; the caller says so.
  }
  return found;
}
