import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BulkheadError } from '../../../base/errors.ts';
import { SLOT_LABELS } from '../../../partitions/layout-names.ts';
import type { Slot } from '../../../partitions/slot.ts';
import {
  bootFileRuns,
  FOOTER_BYTES,
  footerOffset,
  parseFooter,
  SECTOR_BYTES,
  type SectorRun,
} from '../../../partitions/slot-blob.ts';
import { readPartition, readPartitions } from './disk-content.ts';
import { findPartition } from './gpt.ts';
import type { DirectBoot, DiskFile } from './options.ts';

/** What GRUB adds for the console and for failures, see partitions/grub/grub.cfg. */
const COMMON = 'console=tty0 console=ttyS0,115200 panic=10 oops=panic softlockup_panic=1 quiet loglevel=4';

/**
 * Starts a slot without firmware and GRUB: takes kernel and initrd out of the slot on the disk and hands them to QEMU. For disks that
 * OVMF cannot read (eMMC). Everything else comes from the disk. Nobody counts the attempt: it is 1.
 *
 * @param folder where the two files go
 * @throws BulkheadError SLOT_EMPTY when the slot holds no image
 */
export async function directBootFromSlot(disk: DiskFile, slot: Slot, folder: string): Promise<DirectBoot> {
  const label = SLOT_LABELS[slot];
  const footerStart_bytes = footerOffset(await readPartition(disk, label, 0, SECTOR_BYTES));
  if (footerStart_bytes === undefined) throw new BulkheadError('SLOT_EMPTY', `slot ${slot} holds no image`);
  const footer = await readPartition(disk, label, footerStart_bytes, FOOTER_BYTES);
  const runs = bootFileRuns(footer);
  if (!runs) throw new BulkheadError('SLOT_EMPTY', `slot ${slot} names no kernel`);
  const extract = async (run: SectorRun, name: string) => {
    const path = join(folder, `${label}-${name}`);
    writeFileSync(path, await readPartition(disk, label, run.start * SECTOR_BYTES, run.count * SECTOR_BYTES));
    return path;
  };
  const { root_hash, data_blocks, salt } = parseFooter(footer).verity;
  const root = findPartition(await readPartitions(disk), label).partitionUuid;
  return {
    kernel: await extract(runs.kernel, 'kernel'),
    initrd: await extract(runs.initrd, 'initrd'),
    append:
      `bulkhead.root=${root} bulkhead.verity=${root_hash}:${data_blocks}:${salt} ` +
      `ab.partition=${slot} ab.attempt=1 ab.mode=normal ${COMMON}`,
  };
}
