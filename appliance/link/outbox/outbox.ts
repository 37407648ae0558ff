import { Database, SQLiteError } from 'bun:sqlite';
import { closeSync, openSync, renameSync, rmSync } from 'node:fs';
import { describeError } from '../../../base/errors.ts';
import type { Outbox, OutgoingMessage } from '../interfaces.ts';
import { OUTBOX_BUSY_TIMEOUT_MS, OUTBOX_MAX_BYTES, OUTBOX_MAX_MESSAGES } from '../limits.ts';
import { fitMessage, type WrittenMessage } from './fit.ts';
import { type Dropped, MessageStore, rescueFrom, type StoreBounds, type WaitingMessage } from './store.ts';

/** What waits, for the page and the heartbeat. */
export interface OutboxState {
  records: number;
  oldest_ms: number | null;
  dropped: Dropped;
  /** Null when what waits survives a restart; otherwise why not. */
  memoryOnly: string | null;
}

/** The outbox as its reader has it. Nothing throws: a broken disk must not stop the agent. */
export interface OutboxQueue extends Outbox {
  /** The oldest message; stays the first until it is removed. */
  first(): WaitingMessage | null;
  /** @param refused the coordinator will never take it */
  remove(message: WaitingMessage, refused?: boolean): void;
  has(kind: OutgoingMessage['kind']): boolean;
  state(): OutboxState;
  /** Told after every `put`. */
  onPut(listener: () => void): void;
  close(): void;
}

export interface OutboxOptions {
  /** Null where there is no place to keep anything. */
  file: string | null;
  now_ms: () => number;
  /** Told what was lost and why. */
  warn: (message: string) => void;
  bounds?: StoreBounds;
}

const BOUNDS: StoreBounds = { bytes: OUTBOX_MAX_BYTES, messages: OUTBOX_MAX_MESSAGES };
const NO_PLACE = 'there is no place to keep messages over a restart';

/**
 * Opens the outbox. A damaged file is set aside as `….damaged` and started anew with what could be read of it; where the disk gives
 * no more room, is read-only or fails, everything goes on in memory.
 */
export function openOutbox({ file, now_ms, warn, bounds = BOUNDS }: OutboxOptions): OutboxQueue {
  let memoryOnly: string | null = null;
  let database: Database | null = null;
  let store = new MessageStore(new Database(':memory:'), bounds);

  const use = (made: Database) => {
    database = made;
    store = new MessageStore(made, bounds);
  };
  const goOnInMemory = (error: unknown) => {
    warn(`the outbox goes on in memory: ${describeError(error)}`);
    memoryOnly = `what waits is lost with a restart: ${describeError(error)}`;
    use(new Database(':memory:'));
  };
  const beginAnew = (path: string, error: unknown, taken: number) => {
    warn(
      `the outbox is damaged and was set aside; ${taken} messages were taken over, others are lost: ${describeError(error)}`,
    );
    try {
      setAside(path);
      use(openFile(path));
    } catch (again) {
      goOnInMemory(again);
    }
  };
  const recover = (error: unknown) => {
    const rescued = database === null ? [] : rescueFrom(database);
    if (database !== null) closeQuietly(database);
    database = null;
    if (file !== null && memoryOnly === null && isDamage(error)) beginAnew(file, error, rescued.length);
    else goOnInMemory(error);
    store.add(rescued);
  };
  const guarded = <T>(act: () => T, otherwise: T): T => {
    try {
      return act();
    } catch (error) {
      try {
        recover(error);
        return act();
      } catch (again) {
        warn(`the outbox failed: ${describeError(again)}`);
        return otherwise;
      }
    }
  };

  if (file === null) memoryOnly = NO_PLACE;
  else
    try {
      use(openFile(file));
      const damage = store.damage();
      if (damage !== null) throw new DamagedFile(damage);
    } catch (error) {
      recover(error);
    }
  let listener = () => {};
  return {
    put(message) {
      const put_ms = now_ms();
      const written: (WrittenMessage & { put_ms: number })[] = fitMessage(message).map((one) => ({
        ...one,
        put_ms,
      }));
      guarded(() => store.add(written), undefined);
      listener();
    },
    first: () => guarded(() => store.first(), null),
    remove: (message, refused) => guarded(() => store.remove(message, refused), undefined),
    has: (kind) => guarded(() => store.has(kind), false),
    state: () =>
      guarded(
        () => ({
          ...{ records: store.count, oldest_ms: store.oldest_ms(), dropped: store.dropped(), memoryOnly },
        }),
        { records: 0, oldest_ms: null, dropped: { log: 0, state: 0, refused: 0 }, memoryOnly },
      ),
    onPut(told) {
      listener = told;
    },
    close: () => {
      if (database !== null) closeQuietly(database);
    },
  };
}

/** @throws SQLiteError, and what opening a file throws */
function openFile(path: string): Database {
  // SQLite gives its log the mode of the file.
  closeSync(openSync(path, 'a', 0o600));
  const file = new Database(path, { create: true, readwrite: true, strict: true });
  try {
    for (const pragma of [
      `busy_timeout = ${OUTBOX_BUSY_TIMEOUT_MS}`,
      // One process alone, and no shared memory beside the file: a second one would send everything twice.
      'locking_mode = EXCLUSIVE',
      'journal_mode = WAL',
      'synchronous = FULL',
    ])
      file.run(`PRAGMA ${pragma}`);
    return file;
  } catch (error) {
    file.close();
    throw error;
  }
}

class DamagedFile extends Error {}

/** Failures of the disk and of permissions; everything else is a file that is no outbox. */
const OF_THE_DISK = /^SQLITE_(BUSY|CANTOPEN|FULL|IOERR|READONLY|PERM|LOCKED|NOMEM|NOLFS|AUTH)/;

function isDamage(error: unknown): boolean {
  if (error instanceof DamagedFile) return true;
  return error instanceof SQLiteError && !OF_THE_DISK.test(error.code ?? '');
}

/** One copy is kept for a person to look at; its log belongs to it and would be played into the new file. */
function setAside(path: string): void {
  renameSync(path, `${path}.damaged`);
  for (const suffix of ['-wal', '-shm', '-journal']) rmSync(path + suffix, { force: true });
}

function closeQuietly(file: Database): void {
  try {
    file.close();
  } catch {
    // A file that cannot even be closed has been reported by what failed before.
  }
}
