import { afterAll, beforeAll } from 'vitest';
import type { Backend } from '../../coordinator/database/migrations.ts';
import { type OpenDatabase, openDatabase } from '../../coordinator/database/open.ts';
import { makeFolder } from '../unit/make-folder.ts';
import { stopLabs } from './coordinator-lab.ts';
import { type PostgresLab, startPostgres } from './postgres.ts';

export const BACKENDS: readonly Backend[] = ['sqlite', 'postgres'];

/**
 * Databases for the tests of one file, on SQLite and on a PostgreSQL that is started for them. Every one is new and empty,
 * and closed at the end.
 */
export function openBackends(): {
  open(backend: Backend, place?: Place): Promise<OpenDatabase>;
  place(backend: Backend): Promise<Place>;
} {
  let postgres: PostgresLab | undefined;
  const opened: OpenDatabase[] = [];
  beforeAll(async () => {
    postgres = await startPostgres(makeFolder('pg'));
  }, 60_000);
  afterAll(async () => {
    await stopLabs();
    for (const { database } of opened) await database.destroy();
    await postgres?.stop();
  });
  const place = async (backend: Backend): Promise<Place> => {
    const data = makeFolder('coordinator');
    return backend === 'sqlite' ? { data } : { data, url: await postgres?.makeDatabase() };
  };
  return {
    place,
    async open(backend, at) {
      const database = await openDatabase(at ?? (await place(backend)));
      opened.push(database);
      return database;
    },
  };
}

export interface Place {
  data: string;
  url?: string | undefined;
}
