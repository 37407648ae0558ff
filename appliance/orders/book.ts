import { Database, SQLiteError } from 'bun:sqlite';
import { closeSync, openSync, renameSync, rmSync } from 'node:fs';
import { BulkheadError, describeError } from '../../base/errors.ts';
import type { Order } from '../../protocol/orders/order.ts';
import { type BookRow, CREATE_TABLE, toEntry } from './book-table.ts';
import type { BookEntry, EntryState, OrderKey, Outcome, StartMark } from './entry.ts';
import { BOOK_BUSY_TIMEOUT_MS, BOOK_KEEP, BOOK_MAX } from './limits.ts';

/**
 * Which orders this appliance has taken, and how far each has come. Every change is one transaction that is on the disk when the call
 * returns, and only takes place from the state that it belongs to: whatever happens in between, an order is started once.
 */
export class OrderBook {
  readonly #file: Database;
  /** What is written survives a restart. */
  readonly durable: boolean;

  constructor(file: Database, durable: boolean) {
    this.#file = file;
    this.durable = durable;
    file.run(CREATE_TABLE);
  }

  /** The order as it stands in the book; null when it is not in it. */
  find({ id, attempt }: OrderKey): BookEntry | null {
    const row = this.#file
      .query<BookRow, [string, number]>('select * from orders where id = ? and attempt = ?')
      .get(id, attempt);
    return row && toEntry(row);
  }

  /** The highest attempt of an order that was taken; 0: none. */
  lastAttempt(id: string): number {
    const row = this.#file
      .query<{ last: number | null }, [string]>('select max(attempt) as last from orders where id = ?')
      .get(id);
    return row?.last ?? 0;
  }

  /** @param now_ms by the clock of the machine @throws BulkheadError ORDER_BOOK_FULL */
  accept(order: Order, now_ms: number): void {
    this.#add(order, 'accepted', now_ms, null);
  }

  /** @throws BulkheadError ORDER_BOOK_FULL */
  refuse(order: Order, now_ms: number, why: { code: string; message: string }): void {
    this.#add(order, 'refused', now_ms, why);
  }

  /** @returns false when it is not there to be started */
  start({ id, attempt }: OrderKey, mark: StartMark): boolean {
    return this.#changed(
      `update orders set state = 'started', started_ms = ?, start_boot = ?, start_run = ?, start_version = ?
       where id = ? and attempt = ? and state = 'accepted'`,
      [mark.at_ms, mark.boot_id, mark.run_id, mark.version, id, attempt],
    );
  }

  /** @returns false when it has ended already */
  end({ id, attempt }: OrderKey, now_ms: number, outcome: Outcome): boolean {
    const failed = outcome.state === 'failed' ? outcome : null;
    const facts = outcome.state === 'succeeded' ? JSON.stringify(outcome.facts) : null;
    return this.#changed(
      `update orders set state = ?, ended_ms = ?, code = ?, message = ?, facts = ?
       where id = ? and attempt = ? and state in ('accepted', 'started')`,
      [outcome.state, now_ms, failed?.code ?? null, failed?.message ?? null, facts, id, attempt],
    );
  }

  /** Notes what has been put into the outbox. */
  tell({ id, attempt }: OrderKey, told: BookEntry['told']): void {
    this.#changed('update orders set told = ? where id = ? and attempt = ?', [told, id, attempt]);
  }

  /** What has not ended, or was not told to its end: oldest first. */
  open(): BookEntry[] {
    return this.#file
      .query<BookRow, []>("select * from orders where told <> 'ended' order by accepted_ms, id, attempt")
      .all()
      .map(toEntry);
  }

  /** Latest first. */
  latest(limit: number): BookEntry[] {
    return this.#file
      .query<BookRow, [number]>(
        'select * from orders order by accepted_ms desc, id desc, attempt desc limit ?',
      )
      .all(limit)
      .map(toEntry);
  }

  close(): void {
    this.#file.close();
  }

  #add(order: Order, state: EntryState, now_ms: number, why: { code: string; message: string } | null): void {
    this.#forget(order);
    const { id, attempt, type, parameters, timeout_s, expires_ms } = order;
    const ended_ms = state === 'refused' ? now_ms : null;
    this.#file
      .query(
        `insert into orders (id, attempt, type, parameters, timeout_s, expires_ms, state, accepted_ms, ended_ms, code, message, told)
         values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'nothing')`,
      )
      .run(
        ...[id, attempt, type, JSON.stringify(parameters), timeout_s, expires_ms, state, now_ms, ended_ms],
        ...[why?.code ?? null, why?.message ?? null],
      );
  }

  /** Makes room. What could still come again (its envelope has not expired when this one was made) stays, and so do the latest. */
  #forget({ not_before_ms }: Order): void {
    this.#file
      .query(
        `delete from orders where told = 'ended' and expires_ms < ? and rowid not in
         (select rowid from orders order by accepted_ms desc, id desc, attempt desc limit ?)`,
      )
      .run(not_before_ms, BOOK_KEEP);
    const { count } = this.#file
      .query<{ count: number }, []>('select count(*) as count from orders')
      .get() ?? {
      count: 0,
    };
    if (count >= BOOK_MAX)
      throw new BulkheadError(
        'ORDER_BOOK_FULL',
        `${count} orders are in the book and could still come again`,
        {
          hint: 'the coordinator sends orders faster than they expire',
        },
      );
  }

  #changed(sql: string, values: (string | number | null)[]): boolean {
    return this.#file.query(sql).run(...values).changes > 0;
  }
}

/**
 * Opens the book. A damaged one is set aside as `….damaged` and begun anew; where the disk gives no room, is read-only or fails, it is
 * kept in memory, and says so.
 *
 * @param path null where there is no place to keep anything
 */
export function openBook(path: string | null, warn: (message: string) => void): OrderBook {
  if (path === null) return inMemory();
  try {
    return openFile(path);
  } catch (error) {
    if (isDamage(error)) {
      warn(`the book of orders is damaged and was set aside: ${describeError(error)}`);
      try {
        renameSync(path, `${path}.damaged`);
        rmSync(`${path}-journal`, { force: true });
        return openFile(path);
      } catch (again) {
        warn(`the book of orders is kept in memory: ${describeError(again)}`);
        return inMemory();
      }
    }
    warn(`the book of orders is kept in memory: ${describeError(error)}`);
    return inMemory();
  }
}

/**
 * The book as somebody beside the agent reads it.
 *
 * @throws BulkheadError ORDER_BOOK_UNREADABLE
 */
export function readBook(path: string, limit: number): BookEntry[] {
  try {
    const file = new Database(path, { readonly: true, strict: true });
    try {
      file.run(`PRAGMA busy_timeout = ${BOOK_BUSY_TIMEOUT_MS}`);
      return file
        .query<BookRow, [number]>(
          'select * from orders order by accepted_ms desc, id desc, attempt desc limit ?',
        )
        .all(limit)
        .map(toEntry);
    } finally {
      file.close();
    }
  } catch (cause) {
    throw new BulkheadError('ORDER_BOOK_UNREADABLE', `cannot read the book of orders in ${path}`, {
      cause,
      hint: 'look as root: sudo bulkhead orders; an appliance without a coordinator has no book',
    });
  }
}

function inMemory(): OrderBook {
  return new OrderBook(new Database(':memory:', { strict: true }), false);
}

function openFile(path: string): OrderBook {
  // SQLite gives its journal the mode of the file.
  closeSync(openSync(path, 'a', 0o600));
  const file = new Database(path, { create: true, readwrite: true, strict: true });
  try {
    for (const pragma of [
      `busy_timeout = ${BOOK_BUSY_TIMEOUT_MS}`,
      // No write-ahead log: whoever only reads needs no shared memory that the agent would have to make.
      'journal_mode = TRUNCATE',
      'synchronous = FULL',
    ])
      file.run(`PRAGMA ${pragma}`);
    const found = file.query<{ quick_check: string }, []>('PRAGMA quick_check(1)').get()?.quick_check;
    if (found !== 'ok') throw new DamagedBook(found);
    return new OrderBook(file, true);
  } catch (error) {
    file.close();
    throw error;
  }
}

class DamagedBook extends Error {}

/** A failing or full disk is no damaged file. */
function isDamage(error: unknown): boolean {
  if (error instanceof DamagedBook) return true;
  return (
    error instanceof SQLiteError &&
    ['SQLITE_NOTADB', 'SQLITE_CORRUPT', 'SQLITE_ERROR'].includes(error.code ?? '')
  );
}
