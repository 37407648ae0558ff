import { Database } from 'bun:sqlite';
import { closeSync, openSync, renameSync, rmSync } from 'node:fs';
import { describeError } from '../../../../base/errors.ts';
import { STORE_BUSY_TIMEOUT_MS } from './limits.ts';

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    event_id TEXT NOT NULL UNIQUE,
    passed INTEGER NOT NULL,
    body TEXT NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS events_by_result ON events (passed, id);
  CREATE TABLE IF NOT EXISTS counters (name TEXT PRIMARY KEY, count INTEGER NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS commands (
    command_id TEXT PRIMARY KEY,
    begun_s INTEGER NOT NULL,
    check_type TEXT NOT NULL,
    result TEXT,
    told INTEGER NOT NULL DEFAULT 0
  ) STRICT;
`;

export interface SensorStore {
  /**
   * One piece of work, whole or not at all, and on the disk when it returns. Where the disk fails, everything goes on in memory:
   * the sensor that finds the full disk has to be able to say so.
   */
  work<T>(change: (file: Database) => T): T;
  /** Null while everything survives a restart; otherwise why not. */
  memoryOnly(): string | null;
  close(): void;
}

/**
 * Opens the one file of a sensor: what waits, and which commands were carried out. One process alone has it. A damaged file is set
 * aside as `….damaged`, with what could be read of it taken over.
 *
 * @param warn told what was lost and why
 */
export function openSensorStore(path: string, warn: (message: string) => void): SensorStore {
  let memoryOnly: string | null = null;
  let file: Database;
  try {
    file = openFile(path);
  } catch (error) {
    if (isOfTheDisk(error)) file = goOnInMemory(error);
    else {
      warn(`what waits was damaged and is set aside as ${path}.damaged: ${describeError(error)}`);
      try {
        setAside(path);
        file = openFile(path);
      } catch (again) {
        file = goOnInMemory(again);
      }
    }
  }

  function goOnInMemory(error: unknown): Database {
    memoryOnly = describeError(error);
    warn(`what waits is kept in memory and lost with a restart: ${memoryOnly}`);
    const memory = new Database(':memory:', { strict: true });
    memory.run(SCHEMA);
    return memory;
  }

  return {
    work(change) {
      try {
        return file.transaction(() => change(file))();
      } catch (error) {
        if (memoryOnly !== null) throw error;
        const before = file;
        file = goOnInMemory(error);
        copyRows(before, file);
        closeQuietly(before);
        return file.transaction(() => change(file))();
      }
    },
    memoryOnly: () => memoryOnly,
    close: () => closeQuietly(file),
  };
}

/** @throws SQLiteError, DamagedFile, and what opening a file throws */
function openFile(path: string): Database {
  // SQLite gives its log the mode of the file.
  closeSync(openSync(path, 'a', 0o600));
  const file = new Database(path, { create: true, readwrite: true, strict: true });
  try {
    for (const pragma of [
      `busy_timeout = ${STORE_BUSY_TIMEOUT_MS}`,
      // One process alone: a second one would send everything twice, and carry out every command twice.
      'locking_mode = EXCLUSIVE',
      'journal_mode = WAL',
      'synchronous = FULL',
    ])
      file.run(`PRAGMA ${pragma}`);
    file.run(SCHEMA);
    const check = file.query<{ quick_check: string }, []>('PRAGMA quick_check(1)').get();
    if (check?.quick_check !== 'ok') throw new Error(check?.quick_check ?? 'it cannot be checked');
    return file;
  } catch (error) {
    closeQuietly(file);
    throw error;
  }
}

/** Failures of the disk and of permissions; everything else is a file that is none of ours. */
function isOfTheDisk(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return /^(SQLITE_(BUSY|CANTOPEN|FULL|IOERR|READONLY|PERM|LOCKED|NOMEM|NOLFS|AUTH)|E[A-Z]+$)/.test(code);
}

function setAside(path: string): void {
  renameSync(path, `${path}.damaged`);
  // Its log belongs to it and would be played into the new file.
  for (const suffix of ['-wal', '-shm', '-journal']) rmSync(path + suffix, { force: true });
}

/** What can still be read, table by table. */
function copyRows(from: Database, to: Database): void {
  for (const table of ['events', 'counters', 'commands'])
    try {
      for (const row of from
        .query<Record<string, string | number | null>, []>(`SELECT * FROM ${table}`)
        .iterate()) {
        const values = Object.values(row);
        const places = values.map(() => '?').join(', ');
        to.query(`INSERT OR REPLACE INTO ${table} VALUES (${places})`).run(...values);
      }
    } catch {
      // What lies behind the damage is what is lost; that there was one has been told.
    }
}

function closeQuietly(file: Database): void {
  try {
    file.close();
  } catch {
    // A file that cannot even be closed has been reported by what failed before.
  }
}
