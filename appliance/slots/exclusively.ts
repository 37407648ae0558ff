import { takeLock } from '../../updater/state/lock.ts';
import { type Installed, requireInstalled, type SlotsTools } from './slots-tools.ts';

/**
 * Does one thing to slots or boot state while nobody else does: updates, roll-backs and `bulkhead slots` come one after the
 * other. What `step` is given was read under the lock.
 *
 * @param command for the hint when root is needed: 'update install'
 * @throws BulkheadError UPDATE_RUNNING, SLOTS_NOT_AN_APPLIANCE, SLOTS_NEED_ROOT, SLOTS_LIVE, SLOTS_UNKNOWN and what `step` throws
 */
export async function exclusively<Result>(
  tools: SlotsTools,
  command: string,
  step: (installed: Installed) => Promise<Result>,
): Promise<Result> {
  // First the refusals: who is not root could not even open the lock.
  await requireInstalled(tools, command);
  const release = takeLock(tools.paths.updateLockFile, tools.lockPatience_s);
  try {
    return await step(await requireInstalled(tools, command));
  } finally {
    release();
  }
}
