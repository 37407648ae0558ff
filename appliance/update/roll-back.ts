import { BulkheadError } from '../../base/errors.ts';
import { readSlotContent } from '../../health-gate/slot-facts.ts';
import { rollBack } from '../../partitions/boot-machine-linux.ts';
import { refreshMirrors } from '../../partitions/boot-state-mirrors.ts';
import { writeBootState } from '../../partitions/boot-state-store.ts';
import type { RebootWish } from '../../updater/state/records.ts';
import { exclusively } from '../slots/exclusively.ts';
import { requireState } from '../slots/operate.ts';
import { requireWholeSlot } from '../slots/slot-image.ts';
import { requireInstalled } from '../slots/slots-tools.ts';
import { concludeUnderLock } from './conclude.ts';
import { refreshFacts } from './install-tools.ts';
import { readRunningRelease } from './running-release.ts';
import type { UpdateTools } from './update-tools.ts';

/** What an order says about a return. */
export interface OrderedReturn {
  /** `ID/ATTEMPT`, for the records. */
  order: string;
  /** What has to be in the other slot; null: whatever is. */
  to_version: string | null;
  /** No maintenance window is waited for. */
  at_once: boolean;
}

export interface RollbackReport {
  slot: 'A' | 'B';
  version: string;
  /** The slot that runs was on trial and is given up: it has to be left at once, and no window is waited for. */
  gaveUp: boolean;
  message: string;
}

/**
 * Returns to the slot before on the next boot: from the committed slot on trial, so that a slot that no longer boots ends
 * where it began; out of a trial by giving that up.
 *
 * @throws BulkheadError UPDATE_RETURN_ELSEWHERE, BOOT_NO_SLOT_TO_ROLL_BACK_TO, SLOT_IMAGE_UNUSABLE, UPDATE_RUNNING, SLOTS_NEED_ROOT
 */
export async function rollBackUpdate(
  tools: UpdateTools,
  reboot: RebootWish,
  ordered?: OrderedReturn,
): Promise<RollbackReport> {
  return exclusively(tools.slots, 'update rollback', async (found) => {
    await concludeUnderLock(tools, found);
    const installed = await requireInstalled(tools.slots, 'update rollback');
    const { running, reading, espDevice } = installed;
    const next = rollBack(requireState(installed), running);
    const { machine, target } = await readRunningRelease(tools, installed);
    const version = await requireWholeSlot(target.slot, target.device);
    if (ordered) requireOrderedReturn(ordered, target.slot, version);
    const gaveUp = next.trial !== target.slot;
    const content = await readSlotContent(target.device);
    if (gaveUp) withdrawTrial(tools, running);
    else if (content.kind === 'image')
      tools.pending.write({
        format: 1,
        version,
        slot: target.slot,
        root_hash: content.manifest.verity.root_hash,
        bundle: null,
        from: machine.running,
        method: null,
        fetched_bytes: 0,
        written_at: tools.slots.now().toISOString(),
        boot_id: reading.bootId,
        reboot,
        rollback: true,
        ...(ordered ? { order: ordered.order, at_once: ordered.at_once } : {}),
      });
    writeBootState(espDevice, next);
    refreshMirrors(next, tools.slots.paths.mirrors);
    await refreshFacts(tools);
    const where = `the next boot takes ${version} in slot ${target.slot}`;
    const message = gaveUp ? `slot ${running} is given up; ${where}` : where;
    return { slot: target.slot, version, gaveUp, message };
  });
}

function requireOrderedReturn({ to_version }: OrderedReturn, slot: 'A' | 'B', version: string): void {
  if (to_version === null || to_version === version) return;
  throw new BulkheadError(
    'UPDATE_RETURN_ELSEWHERE',
    `the return to ${to_version} was ordered, but ${version} is in slot ${slot}`,
    { hint: `order an update to ${to_version} instead` },
  );
}

/** The record of the update whose trial this is says who ended it. */
function withdrawTrial(tools: UpdateTools, running: 'A' | 'B'): void {
  const pending = tools.pending.read();
  if (pending.condition === 'ok' && pending.value.slot === running)
    tools.pending.write({ ...pending.value, withdrawn: true });
}
