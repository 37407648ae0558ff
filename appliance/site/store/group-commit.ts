import { type Database, SQLiteError } from 'bun:sqlite';
import { BulkheadError } from '../../../base/errors.ts';
import {
  COMMIT_INTERVAL_MS,
  COMMIT_MAX_BYTES,
  COMMIT_MAX_PIECES,
  PIECE_OVERHEAD_BYTES,
  QUEUE_MAX_BYTES,
  QUEUE_MAX_PIECES,
} from './limits.ts';

/** A piece of work that waits for its transaction. */
interface Piece {
  size_bytes: number;
  run(): void;
  /** What it made is on the disk. */
  resolve(): void;
  reject(error: unknown): void;
}

/**
 * One transaction for all who wait: a flush costs milliseconds, and it is the same for one row and for five hundred. A caller is
 * answered when what he wrote is on the disk, and never otherwise.
 *
 * Pieces run in the order in which they came. A piece that throws has written nothing, and its neighbours do not notice. Where the
 * disk or the file fails, nothing of the batch is recorded; each piece is then tried once alone, because one that is too large for
 * what is left must not take the others with it. So a piece may run more than once, and changes nothing but the database.
 */
export class GroupCommit {
  readonly #database: Database;
  #waiting: Piece[] = [];
  #waiting_bytes = 0;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #ended_ms = Number.NEGATIVE_INFINITY;
  #stopped = false;
  #refused: BulkheadError | null = null;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Pieces that wait. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** Why the last piece that came to the disk was not taken; null: it was. */
  get refused(): BulkheadError | null {
    return this.#refused;
  }

  /**
   * Resolves behind the commit.
   *
   * @param work synchronous; reads and writes, nothing else
   * @param size_bytes about what it writes, and holds until then
   * @throws BulkheadError SITE_BUSY (too much waits), SITE_STORE_FULL, SITE_STORE_FAILED, SITE_STORE_STOPPED; and what `work` throws
   */
  write<T>(work: (database: Database) => T, size_bytes = 0): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const whole_bytes = size_bytes + PIECE_OVERHEAD_BYTES;
      if (this.#stopped) return reject(stopped());
      if (this.#waiting.length >= QUEUE_MAX_PIECES || this.#waiting_bytes + whole_bytes > QUEUE_MAX_BYTES)
        return reject(busy(this.#waiting.length));
      let done = () => {};
      this.#waiting.push({
        size_bytes: whole_bytes,
        run: () => {
          const result = work(this.#database);
          done = () => resolve(result);
        },
        resolve: () => done(),
        reject,
      });
      this.#waiting_bytes += whole_bytes;
      this.#schedule();
    });
  }

  /** Takes no more, and brings what waits to the disk. */
  stop(): void {
    this.#stopped = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    while (this.#waiting.length > 0) this.#commit(this.#takeBatch());
  }

  /** Who comes alone is served at once; when many come, the pause between two commits gathers them. */
  #schedule(): void {
    if (this.#timer !== null || this.#stopped) return;
    const full = this.#waiting.length >= COMMIT_MAX_PIECES || this.#waiting_bytes >= COMMIT_MAX_BYTES;
    const pause_ms = full ? 0 : Math.max(0, this.#ended_ms + COMMIT_INTERVAL_MS - performance.now());
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#commit(this.#takeBatch());
      this.#ended_ms = performance.now();
      if (this.#waiting.length > 0) this.#schedule();
    }, pause_ms);
  }

  #takeBatch(): Piece[] {
    let count = 0;
    let size_bytes = 0;
    for (const piece of this.#waiting) {
      if (count > 0 && (count >= COMMIT_MAX_PIECES || size_bytes + piece.size_bytes > COMMIT_MAX_BYTES))
        break;
      count += 1;
      size_bytes += piece.size_bytes;
    }
    this.#waiting_bytes -= size_bytes;
    return this.#waiting.splice(0, count);
  }

  #commit(batch: readonly Piece[]): void {
    const thrown = new Map<Piece, unknown>();
    try {
      this.#database.run('begin immediate');
      for (const piece of batch) this.#runPiece(piece, thrown);
      this.#database.run('commit');
    } catch (error) {
      this.#rollBack();
      if (batch.length > 1) for (const piece of batch) this.#commit([piece]);
      else this.#refuse(batch, error);
      return;
    }
    this.#refused = null;
    for (const piece of batch)
      if (thrown.has(piece)) piece.reject(thrown.get(piece));
      else piece.resolve();
  }

  /** @throws what concerns the whole transaction */
  #runPiece(piece: Piece, thrown: Map<Piece, unknown>): void {
    this.#database.run('savepoint piece');
    try {
      piece.run();
    } catch (error) {
      // After some errors SQLite has ended the transaction by itself (https://sqlite.org/lang_transaction.html, section 3).
      if (isOfStore(error) || !this.#database.inTransaction) throw error;
      thrown.set(piece, error);
      this.#database.run('rollback to piece');
    }
    this.#database.run('release piece');
  }

  #rollBack(): void {
    if (!this.#database.inTransaction) return;
    try {
      this.#database.run('rollback');
    } catch (error) {
      // A rollback writes nothing. One that fails all the same is a file that nothing more may be said about; the next BEGIN says so.
      this.#refused = storeError(error);
    }
  }

  #refuse(batch: readonly Piece[], error: unknown): void {
    this.#refused = storeError(error);
    for (const piece of batch) piece.reject(this.#refused);
  }
}

/** Failures of disk and file, not of what one caller wrote. */
const OF_STORE = /^SQLITE_(FULL|IOERR|CORRUPT|NOTADB|READONLY|NOMEM|BUSY|LOCKED|CANTOPEN|PERM|AUTH|PROTOCOL)/;

function isOfStore(error: unknown): boolean {
  return error instanceof SQLiteError && OF_STORE.test(error.code ?? '');
}

/** What SQLite says about the disk or the file, in our words. */
export function storeError(cause: unknown): BulkheadError {
  // A full disk is SQLITE_FULL to SQLite, too, whether the limit of pages or ENOSPC was met.
  if (cause instanceof SQLiteError && cause.code === 'SQLITE_FULL')
    return new BulkheadError('SITE_STORE_FULL', 'the store of the site has no room', {
      cause,
      hint: 'nothing of this was recorded; export evidence, or close what is open, and send it again',
    });
  return new BulkheadError('SITE_STORE_FAILED', 'the store of the site cannot be written', {
    cause,
    hint: 'nothing of this was recorded; look at the disk: journalctl -u bulkhead-site',
  });
}

function busy(waiting: number): BulkheadError {
  return new BulkheadError('SITE_BUSY', `${waiting} pieces of work wait to be written`, {
    hint: 'nothing of this was recorded; send it again in a few seconds',
  });
}

function stopped(): BulkheadError {
  return new BulkheadError('SITE_STORE_STOPPED', 'the site is being stopped', {
    hint: 'nothing of this was recorded; send it again when it has started',
  });
}
