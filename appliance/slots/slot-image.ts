import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { BulkheadError } from '../../base/errors.ts';
import { readSlotContent } from '../../health-gate/slot-facts.ts';
import type { Slot } from '../../partitions/slot.ts';
import {
  bootFileRuns,
  FOOTER_BYTES,
  footerOffset,
  SECTOR_BYTES,
  type SectorRun,
} from '../../partitions/slot-blob.ts';
import { DIGEST_STEP_BYTES } from './limits.ts';

/**
 * Looks at a slot as GRUB will: header, footer, and the SHA-256 of kernel and initrd. The rest of the image is
 * dm-verity's to check.
 *
 * @returns the version in the slot
 * @throws BulkheadError SLOT_IMAGE_UNUSABLE
 */
export async function requireWholeSlot(slot: Slot, device: string | null): Promise<string> {
  const unusable = (why: string) =>
    new BulkheadError('SLOT_IMAGE_UNUSABLE', `slot ${slot} cannot be started: ${why}`, {
      hint: 'write a release into it first',
    });
  if (device === null) throw unusable('its partition was not found');
  const content = await readSlotContent(device);
  if (content.kind !== 'image') throw unusable(`it is ${content.kind}`);
  const { kernel_sha256, initrd_sha256 } = content.manifest;
  const digests = await bootFileDigests(device);
  if (!digests) throw unusable('its footer names no kernel');
  if (digests.kernel !== kernel_sha256) throw unusable('the kernel in it is damaged');
  if (digests.initrd !== initrd_sha256) throw unusable('the initrd in it is damaged');
  return content.manifest.version;
}

async function bootFileDigests(device: string): Promise<{ kernel: string; initrd: string } | undefined> {
  const file = await open(device, 'r');
  try {
    const header = await readRange(file, 0, SECTOR_BYTES);
    const footer = await readRange(file, footerOffset(header) ?? 0, FOOTER_BYTES);
    const runs = bootFileRuns(footer);
    if (!runs) return undefined;
    return { kernel: await digestOfRun(file, runs.kernel), initrd: await digestOfRun(file, runs.initrd) };
  } finally {
    await file.close();
  }
}

async function digestOfRun(file: FileHandle, run: SectorRun): Promise<string> {
  const hash = createHash('sha256');
  const end_bytes = (run.start + run.count) * SECTOR_BYTES;
  for (let at_bytes = run.start * SECTOR_BYTES; at_bytes < end_bytes; at_bytes += DIGEST_STEP_BYTES) {
    const step = await readRange(file, at_bytes, Math.min(DIGEST_STEP_BYTES, end_bytes - at_bytes));
    hash.update(step);
    // A run that leads beyond the partition ends here instead of being counted through.
    if (step.length === 0) break;
  }
  return hash.digest('hex');
}

async function readRange(file: FileHandle, offset_bytes: number, size_bytes: number): Promise<Uint8Array> {
  const { bytesRead, buffer } = await file.read(new Uint8Array(size_bytes), 0, size_bytes, offset_bytes);
  return buffer.subarray(0, bytesRead);
}
