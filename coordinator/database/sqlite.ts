import { type SQLQueryBindings, Database as SqliteFile, type Statement } from 'bun:sqlite';
import { closeSync, openSync } from 'node:fs';
import { type Dialect, type SqliteDatabase, SqliteDialect, type SqliteStatement } from 'kysely';
import { BulkheadError } from '../../base/errors.ts';
import { SQLITE_BUSY_TIMEOUT_MS, SQLITE_STATEMENTS_MAX } from '../limits.ts';

/**
 * Kysely on one SQLite file. What has been acknowledged is on the disk: write-ahead log, flushed with every transaction.
 *
 * One process at a time: what it keeps in memory (keys, rates) would be wrong beside another. Several share a PostgreSQL.
 *
 * @param path the file; made when it is not there, readable by its owner only
 * @throws BulkheadError DATABASE_IN_USE with the first query
 */
export function sqliteDialect(path: string): Dialect {
  return new SqliteDialect({ database: async () => openSqlite(path) });
}

/**
 * A second connection to the same file, for looking alone. A transaction on it sees the file as it was when it began, and holds nobody up
 * who writes meanwhile (https://sqlite.org/wal.html, section 2.2).
 *
 * @param path a file that sqliteDialect has opened
 */
export function sqliteReader(path: string): Dialect {
  const open = async () => {
    const file = new SqliteFile(path, { readonly: true });
    file.run(`PRAGMA busy_timeout = ${SQLITE_BUSY_TIMEOUT_MS}`);
    return connectionOf(file);
  };
  return new SqliteDialect({ database: open });
}

function openSqlite(path: string): SqliteDatabase {
  const holder = holdFile(`${path}.lock`);
  // SQLite gives its log and its shared memory the mode of the file.
  closeSync(openSync(path, 'a', 0o600));
  const file = new SqliteFile(path, { create: true, readwrite: true });
  for (const pragma of [
    `busy_timeout = ${SQLITE_BUSY_TIMEOUT_MS}`,
    'journal_mode = WAL',
    'synchronous = FULL',
    'foreign_keys = ON',
  ])
    file.run(`PRAGMA ${pragma}`);
  const connection = connectionOf(file);
  return {
    ...connection,
    close() {
      connection.close();
      holder.close();
    },
  };
}

function connectionOf(file: SqliteFile): SqliteDatabase {
  const statements = new Map<string, SqliteStatement>();
  return {
    prepare(sql) {
      const known = statements.get(sql);
      if (known) return known;
      if (statements.size >= SQLITE_STATEMENTS_MAX) statements.clear();
      const made = wrap(file.prepare(sql));
      statements.set(sql, made);
      return made;
    },
    close() {
      statements.clear();
      file.close();
    },
  };
}

/** A statement of Bun in the form that Kysely takes. */
function wrap(statement: Statement): SqliteStatement {
  const bind = (parameters: readonly unknown[]) => parameters as SQLQueryBindings[];
  return {
    reader: statement.columnNames.length > 0,
    all: (parameters) => statement.all(...bind(parameters)),
    run: (parameters) => statement.run(...bind(parameters)),
    iterate: (parameters) => statement.iterate(...bind(parameters)) as IterableIterator<unknown>,
  };
}

/** A lock that the kernel takes back when the process is gone, however it went. */
export function holdFile(path: string): SqliteFile {
  const file = new SqliteFile(path, { create: true, readwrite: true });
  try {
    file.run('BEGIN EXCLUSIVE');
  } catch (cause) {
    file.close();
    throw new BulkheadError(
      'DATABASE_IN_USE',
      `another coordinator is running on ${path.replace(/\.lock$/, '')}`,
      {
        hint: 'stop it first, or give each a folder of its own with --data; several share one PostgreSQL',
        cause,
      },
    );
  }
  return file;
}
