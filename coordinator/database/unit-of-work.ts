import { sql } from 'kysely';
import { WORK_ATTEMPTS_MAX, WORKS_PER_COMMIT_MAX } from '../limits.ts';
import type { OpenDatabase } from './open.ts';
import type { Database, Work } from './tables.ts';

/**
 * Does a piece of work whole or not at all. When it resolves, the work is on the disk; when it rejects, nothing of it is.
 *
 * The function may be called again when nothing came of the first time, so it changes nothing but the database; and it must not do
 * the work of somebody else on the way (start another piece and wait for it).
 */
export type DoWork = <T>(act: (work: Work) => Promise<T>) => Promise<T>;

interface Waiting {
  /** Does it, and tells how it is to be answered once everything is on the disk. */
  run(work: Work): Promise<() => void>;
  reject(error: unknown): void;
}

/**
 * PostgreSQL does many pieces side by side and flushes them together by itself. SQLite does one after the other, and a flush to
 * the disk takes longer than the work: pieces that come while others are being flushed are done in one transaction, each
 * behind a savepoint of its own, so that one that fails takes nothing with it.
 */
export function unitOfWork({ database, backend }: Pick<OpenDatabase, 'database' | 'backend'>): DoWork {
  if (backend === 'postgres') return (act) => sideBySide(database, act);
  let waiting: Waiting[] = [];
  let committing = false;
  const commit = async () => {
    committing = true;
    // What arrived in this turn of the event loop belongs to the first commit, too.
    await new Promise((resolve) => setImmediate(resolve));
    while (waiting.length > 0) {
      const together = waiting.slice(0, WORKS_PER_COMMIT_MAX);
      waiting = waiting.slice(WORKS_PER_COMMIT_MAX);
      try {
        const answers = await database.transaction().execute(async (work) => {
          const made: (() => void)[] = [];
          for (const one of together) made.push(await one.run(work));
          return made;
        });
        for (const answer of answers) answer();
      } catch (error) {
        // The commit itself failed: nobody's work is done.
        for (const one of together) one.reject(error);
      }
    }
    committing = false;
  };
  return (act) =>
    new Promise((resolve, reject) => {
      const run = async (work: Work) => {
        await sql`savepoint piece`.execute(work);
        try {
          const value = await act(work);
          await sql`release piece`.execute(work);
          return () => resolve(value);
        } catch (error) {
          await sql`rollback to piece`.execute(work);
          await sql`release piece`.execute(work);
          return () => reject(error);
        }
      };
      waiting.push({ run, reject });
      if (!committing) void commit();
    });
}

/** PostgreSQL took this piece back because two waited for each other (appendix A of its manual). */
const AGAIN = ['40P01', '40001'];

/** Two that waited for each other are no fault of either: the one that was taken back is done again. */
async function sideBySide<T>(database: Database, act: (work: Work) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await database.transaction().execute(act);
    } catch (error) {
      const code = (error as { code?: unknown }).code;
      if (attempt >= WORK_ATTEMPTS_MAX || !AGAIN.includes(String(code))) throw error;
    }
  }
}
