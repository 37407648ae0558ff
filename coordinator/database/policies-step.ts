import type { Kysely } from 'kysely';
import { type Backend, makeTables } from './make-tables.ts';

/** Who decides what which appliances run. */
export async function addPolicies(database: Kysely<unknown>, backend: Backend): Promise<void> {
  const policies = [
    ...(['id text key', 'position number', 'name text', 'cohort text', 'policy text'] as const),
    ...(['window text null', 'created_ms number', 'created_by text'] as const),
  ];
  await makeTables(database, backend, { policies }, []);
}
