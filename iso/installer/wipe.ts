import { alignedBuffer } from '../../base/direct-io.ts';
import { BulkheadError } from '../../base/errors.ts';
import { type DiskLayout, PARTITION_ROLES } from '../../partitions/layout.ts';
import type { BlockDevice } from './block-device.ts';
import type { InstallEffects } from './effects.ts';
import type { InstallJob } from './job.ts';
import { WIPE_EDGE_BYTES } from './limits.ts';

export interface ByteRange {
  start_bytes: number;
  size_bytes: number;
}

/**
 * What is zeroed before anything looks at the disk: both ends of the disk and both ends of every partition to be, so that
 * no program ever finds the remains of what was there before (an old file system inside a new partition, an LVM or RAID
 * signature at its end). Sorted, without overlaps.
 */
export function wipeRanges(layout: DiskLayout): ByteRange[] {
  const areas = [
    { start_bytes: 0, size_bytes: layout.disk_bytes },
    ...PARTITION_ROLES.map((role) => layout.partitions[role]),
  ];
  const edges = areas
    .flatMap(({ start_bytes, size_bytes }) => [
      { start_bytes, size_bytes: WIPE_EDGE_BYTES },
      { start_bytes: start_bytes + size_bytes - WIPE_EDGE_BYTES, size_bytes: WIPE_EDGE_BYTES },
    ])
    .sort((one, other) => one.start_bytes - other.start_bytes);
  const merged: ByteRange[] = [];
  for (const edge of edges) {
    const last = merged.at(-1);
    if (last && edge.start_bytes <= last.start_bytes + last.size_bytes) {
      last.size_bytes =
        Math.max(last.start_bytes + last.size_bytes, edge.start_bytes + edge.size_bytes) - last.start_bytes;
    } else merged.push({ ...edge });
  }
  return merged;
}

/**
 * Zeroes the ranges on the raw device and reads them back uncached. A disk that says yes to a write and does nothing (a
 * worn-out eMMC turns read-only this way) is found here, before half an hour of writing.
 *
 * @throws BulkheadError INSTALL_DISK_BUSY, INSTALL_WIPE_INEFFECTIVE and those of the device
 */
export async function wipeTables(job: InstallJob, effects: InstallEffects): Promise<void> {
  const disk = effects.open(job.path, 'write-exclusive');
  try {
    const ranges = wipeRanges(job.layout);
    const zeros = alignedBuffer(WIPE_EDGE_BYTES);
    for (const range of ranges)
      await eachChunk(range, (offset, size) => disk.write(zeros.subarray(0, size), offset));
    await disk.flush();
    const buffer = alignedBuffer(WIPE_EDGE_BYTES);
    for (const range of ranges) {
      await eachChunk(range, (offset, size) => expectZeros(disk, job.path, offset, buffer.subarray(0, size)));
    }
  } finally {
    await disk.close();
  }
}

async function eachChunk(range: ByteRange, act: (offset_bytes: number, size_bytes: number) => Promise<void>) {
  const end_bytes = range.start_bytes + range.size_bytes;
  for (let at = range.start_bytes; at < end_bytes; at += WIPE_EDGE_BYTES) {
    await act(at, Math.min(WIPE_EDGE_BYTES, end_bytes - at));
  }
}

async function expectZeros(disk: BlockDevice, path: string, offset_bytes: number, buffer: Uint8Array) {
  await disk.read(buffer, offset_bytes);
  const at = buffer.findIndex((byte) => byte !== 0);
  if (at < 0) return;
  throw new BulkheadError(
    'INSTALL_WIPE_INEFFECTIVE',
    `${path} accepted zeros at byte ${offset_bytes + at} but still holds something else`,
    { hint: 'the disk no longer takes writes: replace it' },
  );
}
