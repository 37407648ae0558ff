import type { Kysely } from 'kysely';
import { type Backend, type IndexMap, makeTables, type TableMap } from './make-tables.ts';

const TABLES: TableMap = {
  filters: [
    ...(['id text key', 'user_id text', 'name text', 'shared number', 'state text'] as const),
    ...(['search text null', 'cohort text null', 'created_ms number'] as const),
  ],
};

/** Of one person a name means one filter. */
const INDEXES: IndexMap = [
  ['filters', ['user_id', 'name'], 'unique'],
  ['filters', ['shared']],
];

/** What people look for in the fleet again and again. */
export async function addFilters(database: Kysely<unknown>, backend: Backend): Promise<void> {
  await makeTables(database, backend, TABLES, INDEXES);
}
