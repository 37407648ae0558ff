import { BulkheadError } from '../../base/errors.ts';
import { disarm } from '../../partitions/boot-machine-linux.ts';
import { exclusively } from '../slots/exclusively.ts';
import { disarmSlot, requireState } from '../slots/operate.ts';
import { requireInstalled } from '../slots/slots-tools.ts';
import { concludeUnderLock } from './conclude.ts';
import { refreshFacts } from './install-tools.ts';
import type { UpdateTools } from './update-tools.ts';

/**
 * Takes back what waits for its first boot: a release that was installed, or a return to the slot before. The record says
 * so first, so that a power cut in between ends in the same.
 *
 * @throws BulkheadError UPDATE_NOTHING_TO_CANCEL, BOOT_SLOT_IN_USE when it is on trial already, UPDATE_RUNNING, SLOTS_NEED_ROOT
 */
export async function cancelUpdate(tools: UpdateTools): Promise<{ message: string }> {
  return exclusively(tools.slots, 'update cancel', async (found) => {
    // An earlier update that has ended is no update to take back.
    await concludeUnderLock(tools, found);
    const installed = await requireInstalled(tools.slots, 'update cancel');
    const { running } = installed;
    const state = requireState(installed);
    const { trial } = state;
    if (trial === null) {
      throw new BulkheadError('UPDATE_NOTHING_TO_CANCEL', 'no release waits to be tried', {
        hint: 'bulkhead update status; an update that still runs is stopped with systemctl stop bulkhead-update',
      });
    }
    // Asked before anything is written: it refuses a trial that has begun.
    disarm(state, running);
    const pending = tools.pending.read();
    if (pending.condition === 'ok' && pending.value.slot === trial) {
      tools.pending.write({ ...pending.value, withdrawn: true });
      await concludeUnderLock(tools, installed);
    } else disarmSlot(tools.slots, installed);
    await refreshFacts(tools);
    return { message: `slot ${trial} is not tried; the next boot takes slot ${running} again` };
  });
}
