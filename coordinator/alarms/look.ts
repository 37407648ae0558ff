import { BulkheadError } from '../../base/errors.ts';
import { recordDeed } from '../audit/log.ts';
import type { Coordinator } from '../context.ts';
import type { AlarmRow } from '../database/alarm-tables.ts';
import { ALARM_KINDS, type AlarmKind } from './kinds.ts';

export interface AlarmQuery {
  state: 'open' | 'closed' | 'all';
  kind?: AlarmKind | undefined;
  /** Id of the last one of the page before. */
  before?: string | undefined;
  limit: number;
}

/** Alarms, newest first. */
export async function listAlarms({ database }: Coordinator, query: AlarmQuery): Promise<AlarmRow[]> {
  let rows = database.selectFrom('alarms').selectAll().orderBy('id', 'desc').limit(query.limit);
  if (query.state !== 'all') rows = rows.where('closed_ms', query.state === 'open' ? 'is' : 'is not', null);
  if (query.kind !== undefined) rows = rows.where('kind', '=', query.kind);
  if (query.before !== undefined) rows = rows.where('id', '<', query.before);
  return await rows.execute();
}

/** @throws BulkheadError ALARM_UNKNOWN */
export async function readAlarm({ database }: Pick<Coordinator, 'database'>, id: string): Promise<AlarmRow> {
  const alarm = await database.selectFrom('alarms').selectAll().where('id', '=', id).executeTakeFirst();
  if (!alarm) throw new BulkheadError('ALARM_UNKNOWN', `there is no alarm ${id}`);
  return alarm;
}

/** How many are open of each kind, and how many of all nobody has acknowledged. */
export async function countAlarms({
  database,
}: Coordinator): Promise<{ open: Record<AlarmKind, number>; unacknowledged: number }> {
  const rows = await database
    .selectFrom('alarms')
    .select((select) => [
      'kind',
      select.fn.countAll<number>().as('count'),
      select.fn.count<number>('acknowledged_ms').as('acknowledged'),
    ])
    .where('closed_ms', 'is', null)
    .groupBy('kind')
    .execute();
  const open = Object.fromEntries(ALARM_KINDS.map((kind) => [kind, 0])) as Record<AlarmKind, number>;
  let unacknowledged = 0;
  for (const { kind, count, acknowledged } of rows) {
    open[kind] = Number(count);
    unacknowledged += Number(count) - Number(acknowledged);
  }
  return { open, unacknowledged };
}

/**
 * Somebody has seen it and says what they do about it. It stays open until what is wrong is over.
 *
 * @throws BulkheadError ALARM_UNKNOWN, ALARM_CLOSED
 */
export async function acknowledgeAlarm(
  coordinator: Coordinator,
  actor: string,
  id: string,
  note: string,
): Promise<void> {
  const now_ms = coordinator.now_ms();
  await coordinator.doWork(async (work) => {
    const alarm = await readAlarm({ database: work }, id);
    const { numUpdatedRows } = await work
      .updateTable('alarms')
      .set({ acknowledged_ms: now_ms, acknowledged_by: actor, note })
      .where('id', '=', id)
      .where('closed_ms', 'is', null)
      .executeTakeFirst();
    if (numUpdatedRows === 0n)
      throw new BulkheadError('ALARM_CLOSED', `alarm ${id} is over: what was wrong is not any more`);
    await recordDeed(work, now_ms, {
      ...{ actor, action: 'alarm.acknowledge', subject: `alarm:${id}` },
      details: { kind: alarm.kind, about: alarm.subject, note },
    });
  });
}
