import { BulkheadError } from '../../../base/errors.ts';
import type { Coordinator } from '../../context.ts';
import type { RolloutRow } from '../../database/release-tables.ts';
import type { Database, Work } from '../../database/tables.ts';
import { giveWay } from '../../give-way.ts';
import { parseDefinition, type RolloutDefinition } from '../definition.ts';
import { type PlanRecord, recallPlan } from '../effects.ts';
import type { RolloutIntent } from '../intent.ts';
import type { Member, Plan } from '../plan.ts';
import type { Scene } from '../scene.ts';
import { FLEET_SLICE } from './limits.ts';
import { readFleet } from './read-fleet.ts';

/** All that the next plan is made from, read in one piece. */
export interface Snapshot {
  row: RolloutRow;
  scene: Scene;
  parent: Plan | null;
}

/**
 * Reads the newest plan, and the fleet no earlier than that. The time is taken before either: a plan that was carried out in between
 * is later than it, and then the planner passes the fleet over.
 *
 * @throws BulkheadError ROLLOUT_UNKNOWN
 */
export async function readSnapshot(
  { snapshots, backend, now_ms }: Coordinator,
  id: string,
): Promise<Snapshot> {
  const at_ms = now_ms();
  const transaction = snapshots.transaction();
  // SQLite shows one state of everything to a transaction on a connection of its own; PostgreSQL has to be asked for that.
  const consistent = backend === 'postgres' ? transaction.setIsolationLevel('repeatable read') : transaction;
  return await consistent.execute(async (work) => {
    const row = await findRollout(work, id);
    const parent = await readPlan(work, row);
    const definition = definitionOf(row);
    const fleet = await readFleet(work, { rollout_id: id, cohort: definition.cohort, at_ms });
    return { row, parent, scene: { definition, intent: intentOf(row), fleet, at_ms } };
  });
}

/** @throws BulkheadError ROLLOUT_UNKNOWN */
export async function findRollout(database: Database | Work, id: string): Promise<RolloutRow> {
  const row = await database.selectFrom('rollouts').selectAll().where('id', '=', id).executeTakeFirst();
  if (!row) throw new BulkheadError('ROLLOUT_UNKNOWN', `there is no rollout ${id}`);
  return row;
}

function definitionOf({ id, request }: RolloutRow): RolloutDefinition {
  return parseDefinition(id, JSON.parse(request));
}

export function intentOf({ wish, brake_releases, retries }: RolloutRow): RolloutIntent {
  return { wish, brake_releases, retries };
}

async function readPlan(work: Work, { id, plan_id }: RolloutRow): Promise<Plan | null> {
  if (plan_id === null) return null;
  const { record } = await work
    .selectFrom('rollout_plans')
    .select('record')
    .where('id', '=', plan_id)
    .executeTakeFirstOrThrow();
  return recallPlan(JSON.parse(record) as PlanRecord, await readMembers(work, id));
}

/** A slice at a time, see readFleet. */
async function readMembers(work: Work, rollout_id: string): Promise<Map<string, Member>> {
  const members = new Map<string, Member>();
  for (let after = ''; ; ) {
    const rows = await work
      .selectFrom('rollout_members')
      .select(['device_id', 'record'])
      .where('rollout_id', '=', rollout_id)
      .where('device_id', '>', after)
      .orderBy('device_id')
      .limit(FLEET_SLICE)
      .execute();
    for (const { device_id, record } of rows) members.set(device_id, JSON.parse(record) as Member);
    if (rows.length < FLEET_SLICE) return members;
    after = rows.at(-1)?.device_id ?? '';
    await giveWay();
  }
}
