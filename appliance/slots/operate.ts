import { BulkheadError } from '../../base/errors.ts';
import { bootFacts } from '../../health-gate/boot-reading.ts';
import { readHealth } from '../../health-gate/gate-effects.ts';
import { armTrial, disarm, recoveredState, rollBack } from '../../partitions/boot-machine-linux.ts';
import type { BootState } from '../../partitions/boot-state.ts';
import { refreshMirrors } from '../../partitions/boot-state-mirrors.ts';
import { repairBootState } from '../../partitions/boot-state-repair.ts';
import { writeBootState } from '../../partitions/boot-state-store.ts';
import { otherSlot, type Slot } from '../../partitions/slot.ts';
import { requireWholeSlot } from './slot-image.ts';
import { type Installed, requireInstalled, type SlotsTools } from './slots-tools.ts';

/** What an operation left behind. */
export interface SlotChange {
  /** False when there was nothing to do. */
  changed: boolean;
  message: string;
  bootState: BootState;
}

/**
 * Puts a slot on trial from the next boot on, once what GRUB will check about it has been checked.
 *
 * @throws BulkheadError BOOT_SLOT_IN_USE, BOOT_NOT_COMMITTED, SLOT_IMAGE_UNUSABLE, BOOT_STATE_NOT_WRITTEN, SLOTS_STATE_DAMAGED
 */
export async function armSlot(tools: SlotsTools, slot: Slot): Promise<SlotChange> {
  const installed = await requireInstalled(tools, `slots arm ${slot}`);
  const { running, reading } = installed;
  const next = armTrial(requireState(installed), slot, running, bootFacts(reading).mode);
  const version = await requireWholeSlot(slot, reading.initrd.slots[slot]);
  store(tools, installed, next);
  return {
    changed: true,
    message: `slot ${slot} (version ${version}) is on trial from the next boot on; slot ${next.active} stays to fall back to`,
    bootState: next,
  };
}

/**
 * Takes a slot back that was armed and has not been started.
 *
 * @throws BulkheadError BOOT_SLOT_IN_USE, BOOT_STATE_NOT_WRITTEN, SLOTS_STATE_DAMAGED
 */
export function disarmSlot(tools: SlotsTools, installed: Installed): void {
  store(tools, installed, disarm(requireState(installed), installed.running));
}

/**
 * Goes to the other good slot on the next boot.
 *
 * @throws BulkheadError BOOT_NO_SLOT_TO_ROLL_BACK_TO, SLOT_IMAGE_UNUSABLE, BOOT_STATE_NOT_WRITTEN, SLOTS_STATE_DAMAGED
 */
export async function rollBackSlot(tools: SlotsTools): Promise<SlotChange> {
  const installed = await requireInstalled(tools, 'slots rollback');
  const target = otherSlot(installed.running);
  const next = rollBack(requireState(installed), installed.running);
  const version = await requireWholeSlot(target, installed.reading.initrd.slots[target]);
  store(tools, installed, next);
  const way =
    next.trial === target
      ? ', on trial'
      : `; slot ${installed.running}, which runs, was given up: reboot now, nothing can be installed before`;
  return {
    changed: true,
    message: `the next boot takes slot ${target} (version ${version})${way}`,
    bootState: next,
  };
}

/**
 * Writes a boot state where there is none. A boot that the health gate found healthy is committed by that; another
 * counts as the first of three attempts.
 *
 * @throws BulkheadError SLOTS_STATE_UNREADABLE, BOOT_STATE_NOT_WRITTEN, BOOT_STATE_ESP_LEFT_WRITABLE
 */
export async function repairSlots(tools: SlotsTools): Promise<SlotChange> {
  const installed = await requireInstalled(tools, 'slots repair');
  const { reading, running, espDevice } = installed;
  const { state, condition } = reading.bootState;
  if (state)
    return { changed: false, message: 'the boot state is whole; nothing was changed', bootState: state };
  if (condition === 'unreadable') {
    throw new BulkheadError(
      'SLOTS_STATE_UNREADABLE',
      `${espDevice} cannot be read, so nothing is written to it`,
      {
        hint: 'look at the disk: it may be failing, or the ESP may have to be made anew by a reinstallation',
      },
    );
  }
  const verdict = await readHealth(tools.paths.healthFile);
  const healthy = verdict?.bootId === reading.bootId && verdict.outcome === 'healthy';
  const next = recoveredState(running, healthy);
  const how = await repairBootState(espDevice, next, { espMount: tools.paths.espMount, run: tools.run });
  refreshMirrors(next, tools.paths.mirrors);
  const standing = healthy ? 'committed' : 'not committed: this boot has not passed the health gate';
  return {
    changed: true,
    message: `the boot state was ${how}; slot ${running} is active, ${standing}`,
    bootState: next,
  };
}

export function requireState({ reading }: Installed): BootState {
  const { state, condition } = reading.bootState;
  if (state) return state;
  throw new BulkheadError('SLOTS_STATE_DAMAGED', `the boot state is ${condition}`, {
    hint: 'sudo bulkhead slots repair',
  });
}

function store(tools: SlotsTools, { espDevice }: Installed, next: BootState): void {
  writeBootState(espDevice, next);
  refreshMirrors(next, tools.paths.mirrors);
}
