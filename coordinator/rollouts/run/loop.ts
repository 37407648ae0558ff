import { describeError } from '../../../base/errors.ts';
import { type Coordinator, newId } from '../../context.ts';
import { dropLease, holdLease } from '../../database/lease.ts';
import { planRollout } from '../planner.ts';
import { carryOut } from './carry-out.ts';
import { PLAN_LEASE_MS } from './limits.ts';
import { readSnapshot } from './read-scene.ts';

const LEASE = 'rollouts';

/** Looks at every rollout that has not settled, if no other coordinator does. A rollout that fails does not hold up the others. */
export async function planRollouts(coordinator: Coordinator, holder: string): Promise<void> {
  const { database, now_ms, log } = coordinator;
  const hold = () => holdLease(database, { name: LEASE, holder, now_ms: now_ms(), for_ms: PLAN_LEASE_MS });
  if (!(await hold())) return;
  const open = await database
    .selectFrom('rollouts')
    .select('id')
    .where('settled', '=', 0)
    .where('wish', '!=', 'draft')
    .orderBy('id')
    .execute();
  for (const { id } of open) {
    if (!(await hold())) return;
    try {
      await planOnce(coordinator, id);
    } catch (error) {
      log.error('a rollout could not be planned', { rollout: id, error: describeError(error) });
    }
  }
}

export async function stopPlanning({ database }: Coordinator, holder: string): Promise<void> {
  await dropLease(database, LEASE, holder);
}

/** One look: reads, plans, carries out. @throws BulkheadError ROLLOUT_UNKNOWN, ROLLOUT_RELEASE */
async function planOnce(coordinator: Coordinator, id: string): Promise<'applied' | 'nothing' | 'superseded'> {
  const { row, scene, parent } = await readSnapshot(coordinator, id);
  return await carryOut(coordinator, row, planRollout(newId(coordinator), scene, parent));
}
