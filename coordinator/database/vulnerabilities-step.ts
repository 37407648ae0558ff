import type { Kysely } from 'kysely';
import { type Backend, makeTables, type TableMap } from './make-tables.ts';

const TABLES: TableMap = {
  release_vulnerabilities: [
    ...(['release_id text key', 'compared_ms number', 'compared_by text', 'report text'] as const),
  ],
};

/** What came of comparing releases with feeds of vulnerabilities. */
export async function addVulnerabilities(database: Kysely<unknown>, backend: Backend): Promise<void> {
  await makeTables(database, backend, TABLES, []);
}
