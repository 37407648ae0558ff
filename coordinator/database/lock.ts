import type { Work } from './tables.ts';

/**
 * From here to the end of its work nobody else who asks for this goes on, at any coordinator on the database. It is the row that
 * every entry of the audit log takes anyway, so there is one order of locks and no dead end.
 */
export async function lockForAll(work: Work): Promise<void> {
  await work
    .updateTable('audit_heads')
    .set((set) => ({ sequence: set.ref('sequence') }))
    .execute();
}
