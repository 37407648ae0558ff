import { sql } from 'kysely';
import type { Database, Work } from '../../database/tables.ts';
import { MARK_MARGIN_MS } from './limits.ts';

/**
 * Tells whether anything has been written since that a rollout depends on, for the price of a few rows whatever the size of the fleet: what
 * operators want and the newest plan, deeds (who was let in, ended, tagged, ordered what), steps of orders, and what appliances
 * have said of themselves and of their updates. The same mark means: a plan would be made from the same records. What the clock alone
 * changes it does not see.
 *
 * @param since_ms when the first of the marks to be compared was read
 * @throws Error when there is no such rollout
 */
export async function readMark(
  database: Database | Work,
  rollout: string,
  since_ms: number,
): Promise<string> {
  const from = firstIdOf(since_ms - MARK_MARGIN_MS);
  const { revision, plan_id, deeds, steps, changes } = await database
    .selectFrom('rollouts')
    .select(['revision', 'plan_id'])
    .select((select) => [
      select.selectFrom('audit_heads').select(sql<number>`max(sequence)`.as('n')).as('deeds'),
      // Counted from a fixed place: a transaction that is slow to commit has an id from before those that were seen.
      select.selectFrom('order_events').where('id', '>=', from).select(countAll()).as('steps'),
      select.selectFrom('state_changes').where('id', '>=', from).select(countAll()).as('changes'),
    ])
    .where('id', '=', rollout)
    .executeTakeFirstOrThrow();
  return [revision, plan_id, deeds, steps, changes].join(' ');
}

const countAll = () => sql<number>`count(*)`.as('n');

/** Ids begin with the time at which they were made (RFC 9562 section 5.7): this one is before all of that millisecond. */
function firstIdOf(time_ms: number): string {
  const digits = Math.max(0, time_ms).toString(16).padStart(12, '0');
  return `${digits.slice(0, 8)}-${digits.slice(8)}-0000-0000-000000000000`;
}
