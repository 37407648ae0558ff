import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Kysely, PostgresDialect, sql } from 'kysely';
import { Migrator } from 'kysely/migration';
import { Pool, types } from 'pg';
import { BulkheadError } from '../../base/errors.ts';
import { POSTGRES_CONNECT_TIMEOUT_MS, POSTGRES_CONNECTIONS_MAX } from '../limits.ts';
import { type Backend, migrationsFor } from './migrations.ts';
import { sqliteDialect, sqliteReader } from './sqlite.ts';
import type { Database, Tables } from './tables.ts';

export interface OpenDatabase {
  backend: Backend;
  database: Database;
  /** For long looks at one state of everything, which hold up nobody who writes; the same as `database` on PostgreSQL. */
  snapshots: Database;
  /** For people: the file, or host and name without the password. */
  place: string;
}

/** PostgreSQL's `bigint`; ours are below 2^53. */
const INT8 = 20;

/**
 * Opens the database and brings its tables to this version.
 *
 * @param options `url` postgres://… for PostgreSQL; without it SQLite in the folder `data`, which is made
 * @throws BulkheadError DATABASE_URL_INVALID, DATABASE_UNREACHABLE, DATABASE_IN_USE, DATABASE_MIGRATION
 */
export async function openDatabase(options: {
  data: string;
  url?: string | undefined;
}): Promise<OpenDatabase> {
  const opened = options.url === undefined ? openSqlite(options.data) : openPostgres(options.url);
  try {
    await sql`select 1`.execute(opened.database);
  } catch (cause) {
    await opened.database.destroy();
    if (cause instanceof BulkheadError) throw cause;
    throw new BulkheadError('DATABASE_UNREACHABLE', `cannot open the database ${opened.place}`, {
      hint:
        opened.backend === 'postgres'
          ? 'is PostgreSQL up, and may this user connect? psql with the same address tells'
          : 'may this user write to that folder?',
      cause,
    });
  }
  try {
    await migrate(opened);
  } catch (cause) {
    await opened.database.destroy();
    throw new BulkheadError(
      'DATABASE_MIGRATION',
      `the tables of ${opened.place} cannot be brought to this version`,
      {
        hint: 'nothing was changed by the step that failed; an older coordinator cannot read what a newer one has written',
        cause,
      },
    );
  }
  return opened;
}

/** Where the SQLite database of a coordinator lies. */
export function databaseFile(data: string): string {
  return join(data, 'coordinator.db');
}

function openSqlite(data: string): OpenDatabase {
  mkdirSync(data, { recursive: true, mode: 0o700 });
  const place = databaseFile(data);
  return {
    ...{ backend: 'sqlite', place },
    database: new Kysely<Tables>({ dialect: sqliteDialect(place) }),
    snapshots: new Kysely<Tables>({ dialect: sqliteReader(place) }),
  };
}

function openPostgres(text: string): OpenDatabase {
  const url = URL.parse(text);
  if (!url || !['postgres:', 'postgresql:'].includes(url.protocol))
    throw new BulkheadError('DATABASE_URL_INVALID', 'the address of the database is none', {
      hint: 'DATABASE_URL=postgres://user:password@host:5432/name',
    });
  const pool = new Pool({
    connectionString: text,
    max: POSTGRES_CONNECTIONS_MAX,
    connectionTimeoutMillis: POSTGRES_CONNECT_TIMEOUT_MS,
    types: {
      getTypeParser: ((oid: number, format?: 'text' | 'binary') =>
        oid === INT8 ? Number : types.getTypeParser(oid, format as 'text')) as typeof types.getTypeParser,
    },
  });
  // A connection that breaks while nobody uses it is replaced with the next query; without a listener it would end the process.
  pool.on('error', () => undefined);
  // Nor would one that breaks between two statements of a transaction: the next statement fails, and tells.
  pool.on('connect', (client) => client.on('error', () => undefined));
  const database = new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) });
  const place = `${url.host || 'local socket'}${url.pathname}`;
  return { backend: 'postgres', place, database, snapshots: database };
}

async function migrate({ database, backend }: OpenDatabase): Promise<void> {
  const migrations = migrationsFor(backend);
  const migrator = new Migrator({ db: database, provider: { getMigrations: async () => migrations } });
  const { error } = await migrator.migrateToLatest();
  if (error) throw error;
}
