import { BulkheadError } from '../../base/errors.ts';
import { recordDeed } from '../audit/log.ts';
import type { Coordinator } from '../context.ts';
import type { DeliveryRow } from '../database/alarm-tables.ts';
import type { Database, Work } from '../database/tables.ts';
import { queueNotice, readChannels } from './channels.ts';
import { DEAD_KEPT_MS, DELIVERED_KEPT_MS, FAILURES_MAX } from './limits.ts';
import { type NoticeAlarm, noticeOf } from './notice.ts';

/** Tells every channel what has changed, as far as it wants to know; in the transaction of the change itself. */
export async function announce(
  coordinator: Coordinator,
  work: Work,
  changes: { opened: readonly NoticeAlarm[]; closed: readonly NoticeAlarm[] },
): Promise<void> {
  for (const { id, least } of await readChannels(work)) {
    const notice = noticeOf(changes, least, coordinator.now_ms());
    if (notice !== null) await queueNotice(coordinator, work, id, notice);
  }
}

export interface DeliveryQuery {
  state?: DeliveryRow['state'] | undefined;
  channel_id?: string | undefined;
  /** Id of the last one of the page before. */
  before?: string | undefined;
  limit: number;
}

/** Newest first. */
export async function listDeliveries(
  { database }: Coordinator,
  query: DeliveryQuery,
): Promise<DeliveryRow[]> {
  let rows = database.selectFrom('deliveries').selectAll().orderBy('id', 'desc').limit(query.limit);
  if (query.state !== undefined) rows = rows.where('state', '=', query.state);
  if (query.channel_id !== undefined) rows = rows.where('channel_id', '=', query.channel_id);
  if (query.before !== undefined) rows = rows.where('id', '<', query.before);
  return await rows.execute();
}

/** Once more from the beginning, for a dead letter. @throws BulkheadError DELIVERY_UNKNOWN */
export async function retryDelivery(coordinator: Coordinator, actor: string, id: string): Promise<void> {
  const now_ms = coordinator.now_ms();
  await coordinator.doWork(async (work) => {
    const { numUpdatedRows } = await work
      .updateTable('deliveries')
      .set({ state: 'waiting', attempts: 0, due_ms: now_ms, ended_ms: null })
      .where('id', '=', id)
      .where('state', '=', 'dead')
      .executeTakeFirst();
    if (numUpdatedRows === 0n)
      throw new BulkheadError('DELIVERY_UNKNOWN', `there is no dead letter ${id}`, {
        hint: "'bulkhead-coordinator channel deliveries --state dead' lists them",
      });
    await recordDeed(work, now_ms, { actor, action: 'delivery.retry', subject: `delivery:${id}` });
  });
}

/** Channels that messages do not get through, with why; until one does. */
export async function failingChannels(
  database: Database,
): Promise<{ channel: string; name: string; error: string }[]> {
  const rows = await database
    .selectFrom('deliveries')
    .innerJoin('channels', 'channels.id', 'deliveries.channel_id')
    .select(['channels.id', 'channels.name', 'deliveries.id as delivery', 'deliveries.error'])
    .where((where) =>
      where.or([
        where('state', '=', 'dead'),
        where.and([where('state', '=', 'waiting'), where('attempts', '>=', FAILURES_MAX)]),
      ]),
    )
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom('deliveries as later')
            .select('later.id')
            .whereRef('later.channel_id', '=', 'deliveries.channel_id')
            .whereRef('later.id', '>', 'deliveries.id')
            .where('later.state', '=', 'delivered'),
        ),
      ),
    )
    .orderBy('deliveries.id')
    .execute();
  const failing = new Map(rows.map(({ id, name, error }) => [id, { channel: id, name, error: error ?? '' }]));
  return [...failing.values()];
}

/** How many messages are in each state. */
export async function countDeliveries(database: Database): Promise<Map<DeliveryRow['state'], number>> {
  const rows = await database
    .selectFrom('deliveries')
    .select((select) => ['state', select.fn.countAll<number>().as('count')])
    .groupBy('state')
    .execute();
  return new Map(rows.map(({ state, count }) => [state, Number(count)]));
}

/** Messages that are done with, and older than anybody asks for. */
export async function forgetDeliveries({ database, now_ms }: Coordinator): Promise<void> {
  for (const [state, kept_ms] of [
    ['delivered', DELIVERED_KEPT_MS],
    ['dead', DEAD_KEPT_MS],
  ] as const)
    await database
      .deleteFrom('deliveries')
      .where('state', '=', state)
      .where('ended_ms', '<', now_ms() - kept_ms)
      .execute();
}
