import type { OpenDatabase } from '../../../coordinator/database/open.ts';
import { QUIET_MAX_MS } from '../../../coordinator/rollouts/run/limits.ts';
import { createPlanner } from '../../../coordinator/rollouts/run/loop.ts';
import { addRollout, coordinatorOn } from '../../../test/coordinator/parts.ts';
import { round } from '../statistics.ts';
import type { LookFigures } from './results.ts';

/** What a rollout over the whole fleet costs a coordinator in each of its looks. The rollout is cancelled in the end. */
export async function measureLook(opened: OpenDatabase): Promise<LookFigures> {
  let ahead_ms = 0;
  const coordinator = await coordinatorOn(opened, { now_ms: () => Date.now() + ahead_ms });
  const id = await addRollout(coordinator, { parallel_max: 1 });
  const planner = createPlanner(coordinator, 'bench');
  const timed = async () => {
    const begun_ms = performance.now();
    await planner.look();
    return round(performance.now() - begun_ms, 1);
  };
  const first_ms = await timed();
  // What was just written makes the next look a full one, and the one after that a quiet one.
  await timed();
  const quiet_ms = await timed();
  ahead_ms += QUIET_MAX_MS;
  const watch = watchTurns();
  const full_ms = await timed();
  const full_blocked_ms = round(watch(), 1);
  await opened.database.updateTable('rollouts').set({ settled: 1 }).where('id', '=', id).execute();
  await planner.stop();
  return { first_ms, quiet_ms, full_ms, full_blocked_ms };
}

/** @returns tells the longest time between two turns of the event loop since it was called */
function watchTurns(): () => number {
  let longest_ms = 0;
  let last_ms = performance.now();
  const look = () => {
    const now_ms = performance.now();
    longest_ms = Math.max(longest_ms, now_ms - last_ms);
    last_ms = now_ms;
  };
  const timer = setInterval(look, 1);
  return () => {
    look();
    clearInterval(timer);
    return longest_ms;
  };
}
