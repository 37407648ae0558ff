import { chmodSync, copyFileSync, existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { fsyncFolder } from '../../base/atomic-file.ts';
import { BulkheadError } from '../../base/errors.ts';
import type { ArtifactStore } from '../artifacts/store.ts';
import { databaseFile, openDatabase } from '../database/open.ts';
import { holdFile } from '../database/sqlite.ts';
import { inspectCopy } from './inspect.ts';

export interface Restored {
  database: string;
  /** Where the one that was there before is; null: there was none. */
  before: string | null;
  artifacts: number;
  /** Digests of those that are not in the store of artifacts: copy them there. */
  missing: string[];
}

/**
 * Puts a backup in the place of the database and brings its tables to this version. Nothing is touched before the copy has been checked;
 * what was there is kept beside it.
 *
 * @param options `artifacts` where they are looked for; `replace` also where there is a database
 * @throws BulkheadError BACKUP_DAMAGED, BACKUP_NEWER, RESTORE_OCCUPIED, DATABASE_IN_USE, DATABASE_MIGRATION
 */
export async function restore(
  file: string,
  options: { data: string; artifacts: Pick<ArtifactStore, 'has'>; replace: boolean; now_ms: number },
): Promise<Restored> {
  const { data, replace } = options;
  const target = databaseFile(data);
  if (!existsSync(file)) throw new BulkheadError('BACKUP_DAMAGED', `there is no file ${file}`);
  mkdirSync(data, { recursive: true, mode: 0o700 });
  const holder = holdFile(`${target}.lock`);
  let before: string | null = null;
  let artifacts: readonly string[];
  try {
    const occupied = existsSync(target);
    if (occupied && !replace)
      throw new BulkheadError('RESTORE_OCCUPIED', `there is a database in ${data} already`, {
        hint: '--replace puts the backup in its place and keeps it under another name',
      });
    const fresh = `${target}.new`;
    copyFileSync(file, fresh);
    chmodSync(fresh, 0o600);
    try {
      ({ artifacts } = inspectCopy(fresh));
    } catch (error) {
      rmSync(fresh, { force: true });
      throw error;
    }
    if (occupied) before = setAside(target, options.now_ms);
    renameSync(fresh, target);
    fsyncFolder(data);
  } finally {
    holder.close();
  }
  const { database, snapshots } = await openDatabase({ data });
  await snapshots.destroy();
  await database.destroy();
  const missing: string[] = [];
  for (const sha256 of artifacts) if (!(await options.artifacts.has(sha256))) missing.push(sha256);
  return { database: target, before, artifacts: artifacts.length, missing };
}

/** What SQLite keeps beside a database belongs to it. */
function setAside(target: string, now_ms: number): string {
  const name = `${target}.before-${new Date(now_ms).toISOString().slice(0, 19).replaceAll(':', '')}`;
  for (const suffix of ['', '-wal', '-shm'])
    if (existsSync(target + suffix)) renameSync(target + suffix, name + suffix);
  return name;
}
