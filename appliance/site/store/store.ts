import { Database, SQLiteError } from 'bun:sqlite';
import { closeSync, openSync, statSync } from 'node:fs';
import { describeError } from '../../../base/errors.ts';
import { type DamagedCopy, damagedCopy } from './damaged-copy.ts';
import { GroupCommit, storeError } from './group-commit.ts';
import {
  CHECKPOINT_PAGES,
  DAMAGED_COPY_LOOK_MS,
  PAGE_CACHE_KIB,
  STORE_BUSY_TIMEOUT_MS,
  STORE_MAX_BYTES,
} from './limits.ts';
import { migrate, type StorePart } from './migrations.ts';

/** The one database of the site. */
export interface SiteStore {
  /** For reading. Writing goes through `write`, whose transactions are never half done when anything else runs. */
  readonly database: Database;
  /** See GroupCommit.write. */
  write<T>(work: (database: Database) => T, size_bytes?: number): Promise<T>;
  state(): StoreState;
  /** A damaged one was set aside at some time: what is missing here may have been there. */
  readonly begun_anew: boolean;
  /** Brings what waits to the disk and closes. */
  stop(): void;
}

export interface StoreState {
  /** Pieces of work that wait. */
  waiting: number;
  /** Used pages of the database, its log not counted. */
  used_bytes: number;
  /** What it may grow to; less while there is a copy of one that was damaged. */
  max_bytes: number;
  /** Why the last write was refused; null: it was not. */
  refused: string | null;
}

export interface StoreOptions {
  file: string;
  /** Tables of the parts, in an order in which each finds those it refers to. */
  parts: readonly StorePart[];
  /** Told what was lost and why. */
  warn: (message: string) => void;
  /** What the database may grow to, its log not counted; default STORE_MAX_BYTES. */
  max_bytes?: number;
  /** Default: the clock of the machine, which is that of its files. */
  now_ms?: () => number;
}

/**
 * Opens the store, readable for its user alone, and for this process alone. A damaged file is set aside as `….damaged` and begun anew:
 * a site that watches from now on is worth more than one that does not start. A full disk is no obstacle.
 *
 * @throws BulkheadError SITE_STORE_FAILED, SITE_STORE_FULL
 */
export function openSiteStore(options: StoreOptions): SiteStore {
  const { file, warn, max_bytes = STORE_MAX_BYTES, now_ms = Date.now } = options;
  const copy = damagedCopy(file, now_ms);
  const database = openOrBeginAnew(options, copy);
  const newer = migrateOrThrow(database, options.parts);
  if (newer.length > 0)
    warn(`${file} was last written by a newer program (${newer.join(', ')}); it is used as it is`);
  const pages = (name: string) =>
    Object.values(database.query<Record<string, number>, []>(`pragma ${name}`).get() ?? {})[0] ?? 0;
  const page_bytes = pages('page_size');
  const room_bytes = () => max_bytes - copy.size_bytes();
  const limitSize = () => database.run(`pragma max_page_count = ${Math.floor(room_bytes() / page_bytes)}`);
  copy.expire();
  limitSize();
  const looking = setInterval(() => void (copy.expire() && limitSize()), DAMAGED_COPY_LOOK_MS);
  looking.unref();
  const commits = new GroupCommit(database);
  return {
    database,
    write: (work, size_bytes) => commits.write(work, size_bytes),
    begun_anew: copy.exists(),
    state: () => ({
      waiting: commits.waiting,
      used_bytes: (pages('page_count') - pages('freelist_count')) * page_bytes,
      max_bytes: room_bytes(),
      refused: commits.refused && describeError(commits.refused),
    }),
    stop() {
      clearInterval(looking);
      commits.stop();
      database.close();
    },
  };
}

function openOrBeginAnew({ file, warn }: StoreOptions, copy: DamagedCopy): Database {
  try {
    return openFile(file);
  } catch (error) {
    if (!isDamage(error)) throw storeError(error);
    warn(`the store of the site is damaged, was set aside and is begun anew: ${describeError(error)}`);
    try {
      copy.setAside();
      return openFile(file);
    } catch (again) {
      throw storeError(again);
    }
  }
}

function migrateOrThrow(database: Database, parts: readonly StorePart[]): string[] {
  try {
    return migrate(database, parts);
  } catch (error) {
    database.close();
    throw storeError(error);
  }
}

function openFile(path: string): Database {
  // SQLite gives its log the mode of the file.
  closeSync(openSync(path, 'a', 0o600));
  // A log that is left over: the last process was ended by something else than itself.
  const cut = (statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0) > 0;
  const database = new Database(path, { create: true, readwrite: true, strict: true });
  try {
    for (const pragma of [
      `busy_timeout = ${STORE_BUSY_TIMEOUT_MS}`,
      // One process alone; and no memory that is mapped from a file which a full disk cannot hold.
      'locking_mode = EXCLUSIVE',
      'journal_mode = WAL',
      'synchronous = FULL',
      'foreign_keys = ON',
      // What a savepoint has to remember stays in memory: there is no other place where this process may write.
      'temp_store = MEMORY',
      `cache_size = -${PAGE_CACHE_KIB}`,
      `wal_autocheckpoint = ${CHECKPOINT_PAGES}`,
      `journal_size_limit = ${CHECKPOINT_PAGES * 4096}`,
    ])
      database.run(`pragma ${pragma}`);
    if (cut) {
      const found = database.query<{ quick_check: string }, []>('pragma quick_check(1)').get()?.quick_check;
      if (found !== 'ok') throw new DamagedStore(found);
    }
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

class DamagedStore extends Error {}

/** A failing or full disk is no damaged file. */
function isDamage(error: unknown): boolean {
  if (error instanceof DamagedStore) return true;
  return error instanceof SQLiteError && /^SQLITE_(NOTADB|CORRUPT)/.test(error.code ?? '');
}
