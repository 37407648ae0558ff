import type { Kysely } from 'kysely';
import { type Backend, makeTables, type TableMap } from './make-tables.ts';

const TABLES: TableMap = {
  rule_sets: [
    ...(['version number key', 'note text', 'rules text', 'envelope text'] as const),
    ...(['published_ms number', 'published_by text'] as const),
  ],
};

/** Healing rules of the fleet, every version as it was signed. */
export async function addRuleSets(database: Kysely<unknown>, backend: Backend): Promise<void> {
  await makeTables(database, backend, TABLES, []);
}
