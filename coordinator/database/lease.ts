import type { Database } from './tables.ts';

/**
 * Takes or prolongs the right to do something that one coordinator is enough for. It saves work, and is no lock: a clock that is wrong may
 * give it to two, so what is done under it has to be right all the same.
 *
 * @param holder who asks; the same name prolongs
 * @returns whether `holder` has it now
 */
export async function holdLease(
  database: Database,
  lease: { name: string; holder: string; now_ms: number; for_ms: number },
): Promise<boolean> {
  const { name, holder, now_ms, for_ms } = lease;
  const held = await database
    .insertInto('leases')
    .values({ name, holder, until_ms: now_ms + for_ms })
    .onConflict((conflict) =>
      conflict
        .column('name')
        .doUpdateSet({ holder, until_ms: now_ms + for_ms })
        .where((where) =>
          where.or([where('leases.holder', '=', holder), where('leases.until_ms', '<=', now_ms)]),
        ),
    )
    .returning('name')
    .execute();
  return held.length > 0;
}

/** Lets another one have it at once. */
export async function dropLease(database: Database, name: string, holder: string): Promise<void> {
  await database.deleteFrom('leases').where('name', '=', name).where('holder', '=', holder).execute();
}
