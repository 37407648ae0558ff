import { Database as SqliteFile } from 'bun:sqlite';
import { BulkheadError } from '../../base/errors.ts';
import { migrationsFor } from '../database/migrations.ts';

/**
 * Whether a file is a whole database of a coordinator that this version understands, and which files belong to it.
 *
 * @throws BulkheadError BACKUP_DAMAGED, BACKUP_NEWER
 */
export function inspectCopy(path: string): { artifacts: string[] } {
  const { steps, artifacts } = read(path);
  const known = migrationsFor('sqlite');
  const strange = steps.find((name) => !(name in known));
  if (strange !== undefined)
    throw new BulkheadError(
      'BACKUP_NEWER',
      `${path} was written by a later version (it has step ${strange})`,
      {
        hint: 'restore it with that version, or a later one',
      },
    );
  return { artifacts };
}

function read(path: string): { steps: string[]; artifacts: string[] } {
  let database: SqliteFile | undefined;
  try {
    database = new SqliteFile(path, { readwrite: true, create: false });
    const verdict = column(database, 'PRAGMA integrity_check');
    if (verdict.join() !== 'ok') throw new Error(verdict.slice(0, 5).join('; '));
    return {
      steps: column(database, 'select name from kysely_migration order by name'),
      artifacts: column(database, 'select sha256 from artifacts order by sha256'),
    };
  } catch (cause) {
    throw new BulkheadError('BACKUP_DAMAGED', `${path} is no whole database of a coordinator`, { cause });
  } finally {
    database?.close();
  }
}

/** The first column of what a statement gives. */
function column(database: SqliteFile, statement: string): string[] {
  return database
    .query(statement)
    .values()
    .map(([value]) => String(value));
}
