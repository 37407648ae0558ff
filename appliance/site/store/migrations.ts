import type { Database } from 'bun:sqlite';

/** What one part of the site keeps in the store. */
export interface StorePart {
  /** Never changes; tables begin with it or are its own word. */
  name: string;
  /**
   * Statements that make and change its tables, in their order; what has been released is never edited. A step only adds (a table,
   * a column with a default, an index): after an update was rolled back, the program before has to go on with the file.
   */
  steps: readonly string[];
}

/**
 * Brings the tables of all parts to what this program knows. Each step is a transaction of its own, so that a cut between two leaves
 * a file that goes on from there.
 *
 * @returns parts whose tables a newer program has made; they are used as they are
 * @throws SQLiteError
 */
export function migrate(database: Database, parts: readonly StorePart[]): string[] {
  database.run(
    'create table if not exists store_parts (name text primary key, version integer not null) strict, without rowid',
  );
  const newer: string[] = [];
  for (const { name, steps } of parts) {
    const version =
      database
        .query<{ version: number }, [string]>('select version from store_parts where name = ?')
        .get(name)?.version ?? 0;
    if (version > steps.length) newer.push(name);
    for (let index = version; index < steps.length; index += 1)
      takeStep(database, name, index + 1, steps[index]);
  }
  return newer;
}

function takeStep(database: Database, name: string, version: number, step = ''): void {
  database.transaction(() => {
    database.run(step);
    database
      .query(
        'insert into store_parts (name, version) values (?1, ?2) on conflict (name) do update set version = ?2',
      )
      .run(name, version);
  })();
}
