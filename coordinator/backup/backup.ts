import { Database as SqliteFile } from 'bun:sqlite';
import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fsyncFolder, writeFileAtomic } from '../../base/atomic-file.ts';
import { BulkheadError } from '../../base/errors.ts';
import { databaseFile } from '../database/open.ts';
import { SQLITE_BUSY_TIMEOUT_MS } from '../limits.ts';
import { inspectCopy } from './inspect.ts';

export interface Backup {
  file: string;
  size_bytes: number;
  /** Digests of the files that releases consist of, in the form of sha256sum; the files themselves are copied apart. */
  artifacts_file: string;
  artifacts: number;
}

/**
 * Copies the SQLite database as it is at one instant, while a coordinator runs on it or not; it is not held up. The copy is checked before it
 * gets its name.
 *
 * @param data folder of the coordinator
 * @param file where to; what is there is replaced
 * @throws BulkheadError BACKUP_NO_DATABASE, BACKUP_FAILED, BACKUP_DAMAGED
 */
export function backUp(data: string, file: string): Backup {
  const source = databaseFile(data);
  if (!existsSync(source))
    throw new BulkheadError('BACKUP_NO_DATABASE', `there is no database in ${data}`, {
      hint: '--data names the folder; with PostgreSQL it is pg_dump that makes a backup',
    });
  const temporary = `${file}.new`;
  try {
    rmSync(temporary, { force: true });
    // SQLite fills an empty file; made here so that nobody else can read it.
    closeSync(openSync(temporary, 'wx', 0o600));
    copy(source, temporary);
    flush(temporary);
  } catch (cause) {
    rmSync(temporary, { force: true });
    throw new BulkheadError('BACKUP_FAILED', `cannot copy ${source} to ${file}`, {
      hint: 'is there room, and may this user write there?',
      cause,
    });
  }
  let artifacts: readonly string[];
  try {
    ({ artifacts } = inspectCopy(temporary));
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
  const artifacts_file = `${file}.artifacts`;
  writeFileAtomic(artifacts_file, artifacts.map((sha256) => `${sha256}  ${sha256}\n`).join(''), 0o600);
  renameSync(temporary, file);
  fsyncFolder(dirname(resolve(file)));
  return { file, size_bytes: statSync(file).size, artifacts_file, artifacts: artifacts.length };
}

function copy(source: string, target: string): void {
  const database = new SqliteFile(source, { readwrite: true, create: false });
  try {
    database.run(`PRAGMA busy_timeout = ${SQLITE_BUSY_TIMEOUT_MS}`);
    database.run('VACUUM INTO ?', [target]);
  } finally {
    database.close();
  }
}

function flush(path: string): void {
  const file = openSync(path, 'r');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
