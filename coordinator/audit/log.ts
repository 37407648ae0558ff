import type { AuditRow, Database, Work } from '../database/tables.ts';
import { PAGE_MAX } from '../limits.ts';
import { type AuditEntry, entryHash } from './chain.ts';

/** What somebody did; when and where it stands in the chain is added. */
export interface Deed {
  actor: string;
  action: string;
  subject: string;
  details?: Readonly<Record<string, unknown>>;
}

const CHAIN = 'main';

/**
 * Adds one entry, in the same piece of work as what it tells of: one does not come about without the other. The row of the
 * chain's head is locked first, so that writers in other processes wait and the chain cannot fork.
 */
export async function recordDeed(work: Work, at_ms: number, deed: Deed): Promise<void> {
  const head = await work
    .updateTable('audit_heads')
    .set((set) => ({ sequence: set('sequence', '+', 1) }))
    .where('chain', '=', CHAIN)
    .returning(['sequence', 'hash'])
    .executeTakeFirstOrThrow();
  const { actor, action, subject, details = {} } = deed;
  const entry = { sequence: head.sequence, at_ms, actor, action, subject, details, previous_hash: head.hash };
  const hash = entryHash(entry);
  await work
    .insertInto('audit')
    .values({ ...entry, details: JSON.stringify(details), hash })
    .execute();
  await work.updateTable('audit_heads').set({ hash }).where('chain', '=', CHAIN).execute();
}

/** Entries behind `after`, oldest first; at most PAGE_MAX. */
async function readAudit(database: Database, after: number, limit = PAGE_MAX): Promise<AuditEntry[]> {
  const rows = await database
    .selectFrom('audit')
    .selectAll()
    .where('sequence', '>', after)
    .orderBy('sequence')
    .limit(limit)
    .execute();
  return rows.map(entryOf);
}

/** The latest entries, newest first. @param before sequence of the last one of the page before */
export async function latestAudit(
  database: Database,
  limit: number,
  before = Number.MAX_SAFE_INTEGER,
): Promise<AuditEntry[]> {
  const rows = await database
    .selectFrom('audit')
    .selectAll()
    .where('sequence', '<', before)
    .orderBy('sequence', 'desc')
    .limit(limit)
    .execute();
  return rows.map(entryOf);
}

/** All entries, page by page: the log may be longer than memory. */
export async function* allAudit(database: Database): AsyncGenerator<AuditEntry> {
  for (let after = 0; ; ) {
    const page = await readAudit(database, after);
    yield* page;
    const last = page.at(-1);
    if (!last) return;
    after = last.sequence;
    // SQLite answers without giving way; a long log must not keep heartbeats waiting.
    await new Promise(setImmediate);
  }
}

function entryOf(row: AuditRow): AuditEntry {
  return { ...row, details: JSON.parse(row.details) as Record<string, unknown> };
}
