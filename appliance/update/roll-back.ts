import { readSlotContent } from '../../health-gate/slot-facts.ts';
import { rollBack } from '../../partitions/boot-machine-linux.ts';
import { writeMirrors } from '../../partitions/boot-state-mirrors.ts';
import { writeBootState } from '../../partitions/boot-state-store.ts';
import { takeLock } from '../../updater/state/lock.ts';
import type { PendingUpdate, RebootWish } from '../../updater/state/records.ts';
import { requireState } from '../slots/operate.ts';
import { requireWholeSlot } from '../slots/slot-image.ts';
import { requireInstalled } from '../slots/slots-tools.ts';
import { refreshFacts } from './install-tools.ts';
import { readRunningRelease } from './running-release.ts';
import type { UpdateTools } from './update-tools.ts';

export interface RollbackReport {
  slot: 'A' | 'B';
  version: string;
  message: string;
}

/**
 * Returns to the slot before on the next boot: on trial, so that a slot that no longer boots ends where it began.
 *
 * @throws BulkheadError BOOT_NO_SLOT_TO_ROLL_BACK_TO, SLOT_IMAGE_UNUSABLE, UPDATE_RUNNING, SLOTS_NEED_ROOT
 */
export async function rollBackUpdate(tools: UpdateTools, reboot: RebootWish): Promise<RollbackReport> {
  const installed = await requireInstalled(tools.slots, 'update rollback');
  const release = takeLock(tools.paths.lock);
  try {
    const state = requireState(installed);
    const next = rollBack(state, installed.running);
    const { machine, target } = await readRunningRelease(tools, installed);
    const version = await requireWholeSlot(target.slot, target.device);
    const content = await readSlotContent(target.device);
    if (next.trial === target.slot && content.kind === 'image') {
      const pending: PendingUpdate = {
        format: 1,
        version,
        slot: target.slot,
        root_hash: content.manifest.verity.root_hash,
        bundle: null,
        from: machine.running,
        method: null,
        fetched_bytes: 0,
        written_at: tools.slots.now().toISOString(),
        reboot,
        rollback: true,
      };
      tools.pending.write(pending);
    }
    writeBootState(installed.espDevice, next);
    writeMirrors(next, tools.slots.paths.mirrors);
    await refreshFacts(tools);
    return { slot: target.slot, version, message: `the next boot takes ${version} in slot ${target.slot}` };
  } finally {
    release();
  }
}
