import { type FileHandle, open } from 'node:fs/promises';
import { BulkheadError } from '../../base/errors.ts';
import { BLOCK_BYTES } from '../../partitions/slot-blob.ts';

/** The running slot: its data area, and behind the verity superblock its tree. Only read, and nothing of it is trusted. */
export interface BaseSlot {
  data_bytes: number;
  /** Fills an array with bytes of the partition or image file; may throw. @returns how many there were */
  read(offset_bytes: number, into: Uint8Array): number | Promise<number>;
}

/**
 * A slot partition or image file.
 *
 * @param data_bytes of its data area, as its footer or the kernel's command line tells
 * @throws BulkheadError BLOCKS_BASE_UNREADABLE
 */
export async function openBaseSlot(
  path: string,
  data_bytes: number,
): Promise<BaseSlot & { close(): Promise<void> }> {
  let file: FileHandle;
  try {
    file = await open(path, 'r');
  } catch (cause) {
    throw new BulkheadError('BLOCKS_BASE_UNREADABLE', `cannot open ${path} to copy blocks from it`, {
      cause,
    });
  }
  return {
    data_bytes,
    read: async (offset_bytes, into) => (await file.read(into, 0, into.length, offset_bytes)).bytesRead,
    close: () => file.close(),
  };
}

/** From the start of the slot to its tree. */
export function treeStart_bytes(base: BaseSlot): number {
  return base.data_bytes + BLOCK_BYTES;
}

/**
 * Reads whole blocks of the base. What cannot be read is left zero: its hash will not agree, and it is fetched as every
 * other block that is not there. One bad sector does not cost the blocks around it.
 *
 * @param into a multiple of BLOCK_BYTES
 */
export async function fillFromBase(base: BaseSlot, offset_bytes: number, into: Uint8Array): Promise<void> {
  if (await readWhole(base, offset_bytes, into)) return;
  for (let at = 0; at < into.length; at += BLOCK_BYTES)
    await readWhole(base, offset_bytes + at, into.subarray(at, at + BLOCK_BYTES));
}

async function readWhole(base: BaseSlot, offset_bytes: number, into: Uint8Array): Promise<boolean> {
  try {
    if ((await base.read(offset_bytes, into)) === into.length) return true;
  } catch {
    // A sector that cannot be read is no reason to fail: the block can be fetched.
  }
  into.fill(0);
  return false;
}
