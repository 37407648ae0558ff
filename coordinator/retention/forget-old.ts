import { type RawBuilder, sql } from 'kysely';
import { OPEN_JOB_STATES } from '../builds/machine.ts';
import type { Coordinator } from '../context.ts';
import type { KeepDays } from './keep-days.ts';
import { FORGET_CHUNK, FORGET_TURNS } from './limits.ts';

const DAY_MS = 24 * 60 * 60 * 1000;

/** Takes away what is older than it is kept, a part at a time. Any number of coordinators may do this. */
export async function forgetOld(coordinator: Coordinator, keep: KeepDays): Promise<void> {
  const before = (days: number) => coordinator.now_ms() - days * DAY_MS;
  await forget(coordinator, [
    ['state_changes', 'id', sql`select id from state_changes where received_ms < ${before(keep.reports)}`],
  ]);
  const closed = sql`select id from site_findings where closed_ms < ${before(keep.reports)}`;
  await forget(coordinator, [['site_findings', 'id', closed]]);
  const healings = sql`select id from site_healings where received_ms < ${before(keep.reports)}`;
  await forget(coordinator, [['site_healings', 'id', healings]]);
  // A rollout that somebody is still at asks its orders what became of them.
  const orders = sql`select id from orders where ended_ms < ${before(keep.orders)} and not exists (
    select 1 from rollout_orders join rollouts on rollouts.id = rollout_orders.rollout_id
    where rollout_orders.order_id = orders.id and rollouts.settled = 0)`;
  await forget(coordinator, [
    ['order_events', 'order_id', orders],
    ['order_logs', 'order_id', orders],
    ['rollout_orders', 'order_id', orders],
    ['orders', 'id', orders],
  ]);
  await forget(coordinator, [
    ['alarms', 'id', sql`select id from alarms where closed_ms < ${before(keep.alarms)}`],
  ]);
  const jobs = sql`select id from jobs where ended_ms < ${before(keep.builds)}
    and state not in (${sql.join(OPEN_JOB_STATES)})`;
  await forget(coordinator, [
    ['job_logs', 'job_id', jobs],
    ['jobs', 'id', jobs],
  ]);
  await forget(coordinator, [
    ['webhook_events', 'id', sql`select id from webhook_events where received_ms < ${before(keep.builds)}`],
  ]);
}

type Part = readonly [table: string, column: string, ids: RawBuilder<unknown>];

/** Of each part of one kind the same rows: the last part is what the others belong to. */
async function forget({ doWork }: Coordinator, parts: readonly Part[]): Promise<void> {
  for (let turn = 0; turn < FORGET_TURNS; turn += 1) {
    const gone = await doWork(async (work) => {
      let ids: readonly string[] = [];
      for (const [index, [table, column, old]] of parts.entries()) {
        if (index === 0) {
          const { rows } = await sql<{ id: string }>`${old} order by id limit ${FORGET_CHUNK}`.execute(work);
          ids = rows.map(({ id }) => id);
          if (ids.length === 0) return 0;
        }
        await sql`delete from ${sql.table(table)} where ${sql.ref(column)} in (${sql.join(ids)})`.execute(
          work,
        );
      }
      return ids.length;
    });
    if (gone < FORGET_CHUNK) return;
    await new Promise(setImmediate);
  }
}
