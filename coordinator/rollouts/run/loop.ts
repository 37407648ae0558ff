import { describeError } from '../../../base/errors.ts';
import { type Coordinator, newId } from '../../context.ts';
import { dropLease, holdLease } from '../../database/lease.ts';
import { inTurns } from '../../give-way.ts';
import { createAutomatic } from '../../policies/automatic.ts';
import { planInSteps } from '../planner.ts';
import { carryOut } from './carry-out.ts';
import { PLAN_LEASE_MS, QUIET_MAX_MS } from './limits.ts';
import { readMark } from './mark.ts';
import { readSnapshot } from './read-scene.ts';

const LEASE = 'rollouts';

export interface Planner {
  /** Looks at every rollout that has not settled, if no other coordinator does. A rollout that fails does not hold up the others. */
  look(): Promise<void>;
  /** Lets another coordinator have it at once. */
  stop(): Promise<void>;
}

/** The last look at a rollout that found nothing to do. */
interface Quiet {
  at_ms: number;
  mark: string;
}

/** @param holder name of this process, unlike that of any other */
export function createPlanner(coordinator: Coordinator, holder: string): Planner {
  const { database, now_ms, log } = coordinator;
  const quiet = new Map<string, Quiet>();
  const automatic = createAutomatic(coordinator);
  const hold = () => holdLease(database, { name: LEASE, holder, now_ms: now_ms(), for_ms: PLAN_LEASE_MS });
  const isQuiet = async (id: string) => {
    const last = quiet.get(id);
    const age_ms = last ? now_ms() - last.at_ms : 0;
    if (!last || age_ms < 0 || age_ms >= QUIET_MAX_MS) return false;
    return (await readMark(database, id, last.at_ms)) === last.mark;
  };
  const lookAt = async (id: string) => {
    if (await isQuiet(id)) return;
    quiet.delete(id);
    const at_ms = now_ms();
    // Before the records themselves: what is written in between makes the next mark another one.
    const mark = await readMark(database, id, at_ms);
    if ((await planOnce(coordinator, id)) === 'nothing') quiet.set(id, { at_ms, mark });
  };
  return {
    async look() {
      if (!(await hold())) return;
      await automatic
        .look()
        .catch((error) => log.error('policies could not be carried out', { error: describeError(error) }));
      const open = await database
        .selectFrom('rollouts')
        .select('id')
        .where('settled', '=', 0)
        .where('wish', '!=', 'draft')
        .orderBy('id')
        .execute();
      const ids = open.map(({ id }) => id);
      for (const id of quiet.keys()) if (!ids.includes(id)) quiet.delete(id);
      for (const id of ids) {
        if (!(await hold())) return;
        try {
          await lookAt(id);
        } catch (error) {
          log.error('a rollout could not be planned', { rollout: id, error: describeError(error) });
        }
      }
    },
    stop: () => dropLease(database, LEASE, holder),
  };
}

/** One look: reads, plans, carries out. @throws BulkheadError ROLLOUT_UNKNOWN, ROLLOUT_RELEASE */
async function planOnce(coordinator: Coordinator, id: string): Promise<'applied' | 'nothing' | 'superseded'> {
  const { row, scene, parent } = await readSnapshot(coordinator, id);
  return await carryOut(coordinator, row, await inTurns(planInSteps(newId(coordinator), scene, parent)));
}
