import type { Kysely } from 'kysely';
import { type Backend, makeTables, type TableMap } from './make-tables.ts';

const TABLES: TableMap = {
  evidence_settlements: [
    ...(['chain text key', 'settled_ms number', 'settled_by text', 'reason text'] as const),
  ],
};

/** Contradictions of evidence that somebody has looked into. */
export async function addSettlements(database: Kysely<unknown>, backend: Backend): Promise<void> {
  await makeTables(database, backend, TABLES, []);
}
