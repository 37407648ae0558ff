import type { Database, Work } from '../../database/tables.ts';
import type { Release } from '../policy.ts';
import { isVersion } from '../version.ts';

/** Every release that was ever published, in that order; withdrawn ones, too: somebody may run one. */
export async function readCatalogue(work: Database | Work): Promise<Release[]> {
  const rows = await work
    .selectFrom('releases')
    .select(['version', 'channel', 'withdrawn_ms'])
    .orderBy('id')
    .execute();
  return rows.flatMap(({ version, channel, withdrawn_ms }) =>
    isVersion(version) ? [{ version, channel, withdrawn: withdrawn_ms !== null }] : [],
  );
}
