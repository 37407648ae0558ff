import { readFileSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { BulkheadError } from '../../base/errors.ts';
import { hardwareName } from '../../base/hardware.ts';
import { readSlotContent } from '../../health-gate/slot-facts.ts';
import { otherSlot, type Slot } from '../../partitions/slot.ts';
import { SECTOR_BYTES, type SlotManifest } from '../../partitions/slot-blob.ts';
import type { UpdateMachine } from '../../updater/admission.ts';
import type { Installed } from '../slots/slots-tools.ts';
import type { UpdateTools } from './update-tools.ts';

/** The release that runs, and the partition that the next one goes to. */
export interface RunningRelease {
  slot: Slot;
  device: string;
  manifest: SlotManifest;
  target: { slot: Slot; device: string };
  machine: UpdateMachine;
}

/** @throws BulkheadError UPDATE_RUNNING_SLOT_UNKNOWN, UPDATE_NO_TARGET, UPDATE_STATE_DAMAGED */
export async function readRunningRelease(tools: UpdateTools, installed: Installed): Promise<RunningRelease> {
  const { running, reading } = installed;
  const { slots } = reading.initrd;
  const device = slots[running];
  const content = await readSlotContent(device);
  if (device === null || content.kind !== 'image') {
    throw new BulkheadError(
      'UPDATE_RUNNING_SLOT_UNKNOWN',
      `slot ${running} runs, but its footer is ${content.kind}`,
      {
        hint: "'bulkhead slots' shows both slots; reinstall from a stick if the disk is damaged",
      },
    );
  }
  const slot = otherSlot(running);
  const target = slots[slot];
  if (target === null) {
    throw new BulkheadError('UPDATE_NO_TARGET', `the partition of slot ${slot} was not found`, {
      hint: 'the partition table is damaged; reinstall from a stick',
    });
  }
  const { manifest } = content;
  return {
    slot: running,
    device,
    manifest,
    target: { slot, device: target },
    machine: {
      hardware: hardwareName(readMachine(tools.paths.dmiFolder)),
      running: { slot: running, version: manifest.version, root_hash: manifest.verity.root_hash },
      target_bytes: deviceSize_bytes(target, tools.slots.paths.sysFolder),
      rejected: readRejected(tools),
    },
  };
}

/** @throws BulkheadError UPDATE_STATE_DAMAGED: what was given up would be tried again */
export function readRejected(tools: UpdateTools): UpdateMachine['rejected'] {
  const reading = tools.rejected.read();
  if (reading.condition === 'damaged') {
    throw new BulkheadError(
      'UPDATE_STATE_DAMAGED',
      `the list of rejected releases is damaged: ${reading.message}`,
      {
        hint: 'bulkhead update forget empties it',
      },
    );
  }
  return reading.condition === 'ok' ? reading.value.releases : [];
}

function readMachine(dmiFolder: string) {
  const text = (name: string) => {
    try {
      return readFileSync(`${dmiFolder}/${name}`, 'utf8').trim();
    } catch {
      // Firmware that says nothing makes hardware that is not listed.
      return null;
    }
  };
  return { vendor: text('sys_vendor'), product: text('product_name') };
}

/** Length of a partition, from the kernel; of a file in a test, from the file system. */
function deviceSize_bytes(path: string, sysFolder: string): number {
  const stat = statSync(path);
  if (!stat.isBlockDevice()) return stat.size;
  return Number(readFileSync(`${sysFolder}/class/block/${basename(path)}/size`, 'utf8')) * SECTOR_BYTES;
}
