import { BulkheadError } from '../../base/errors.ts';
import { recordDeed } from '../audit/log.ts';
import type { Coordinator } from '../context.ts';
import type { Work } from '../database/tables.ts';

/**
 * Somebody has looked into a chain that contradicts itself, and says that it goes on from here: what was countersigned until now stays,
 * and holds nothing up any more. What contradicts something that is countersigned from now on marks the chain again.
 *
 * @throws BulkheadError EVIDENCE_NOT_FORKED
 */
export async function settleFork(
  coordinator: Coordinator,
  actor: string,
  { device_id, chain, reason }: { device_id: string; chain: string; reason: string },
): Promise<void> {
  const settled_ms = coordinator.now_ms();
  await coordinator.doWork(async (work) => {
    const row = await work
      .selectFrom('evidence_chains')
      .select('trouble')
      .where('chain', '=', chain)
      .where('device_id', '=', device_id)
      .executeTakeFirst();
    const trouble = row?.trouble ?? null;
    if (trouble === null)
      throw new BulkheadError(
        'EVIDENCE_NOT_FORKED',
        `nothing contradicts a chain ${chain} of this appliance`,
        {
          hint: "'bulkhead-coordinator evidence list' has its chains, and what is wrong with them",
        },
      );
    await work
      .updateTable('evidence_chains')
      .set({ trouble: null, trouble_ms: null })
      .where('chain', '=', chain)
      .execute();
    const settlement = { settled_ms, settled_by: actor, reason };
    await work
      .insertInto('evidence_settlements')
      .values({ chain, ...settlement })
      .onConflict((conflict) => conflict.column('chain').doUpdateSet(settlement))
      .execute();
    await recordDeed(work, settled_ms, {
      ...{ actor, action: 'evidence.settle', subject: `device:${device_id}` },
      details: { chain, reason, trouble },
    });
  });
}

/** What came until then does not count against a chain; -1: nobody has settled anything of it. */
export async function settledUntil(work: Work, chain: string): Promise<number> {
  const row = await work
    .selectFrom('evidence_settlements')
    .select('settled_ms')
    .where('chain', '=', chain)
    .executeTakeFirst();
  return row === undefined ? -1 : Number(row.settled_ms);
}
