import { alignedBuffer } from '../../base/direct-io.ts';
import { BLOCK_BYTES } from '../../partitions/slot-blob.ts';
import { HASH_BYTES, hashBlocks } from '../../partitions/verity-tree.ts';
import { WRITE_BUFFER_BYTES } from '../limits.ts';
import type { SlotDevice } from './slot-device.ts';
import type { SlotShape } from './slot-shape.ts';
import type { WriterStand } from './slot-writer.ts';
import { digestOfLeaves, type TransferRecord, wholeBlocks } from './transfer-journal.ts';
import { stretchDigest, type WrittenStretch } from './written-stretch.ts';

/** Where a transfer may go on: the checkpoints that the disk confirms. */
export interface Resumption {
  /** With the confirmed checkpoints only. */
  record: TransferRecord;
  pieces: number;
  stand: WriterStand;
}

/**
 * Reads back what a journal says was written and keeps the checkpoints whose hashes agree. Undefined when none does:
 * then the transfer starts over.
 */
export async function confirmTransfer(
  device: SlotDevice,
  record: TransferRecord,
  shape: SlotShape,
  salt: Uint8Array,
): Promise<Resumption | undefined> {
  const leaves = new Uint8Array(shape.data_blocks * HASH_BYTES);
  hashBlocks(record.firstBlock, salt, leaves);
  const stretches: WrittenStretch[] = [];
  let hashed_blocks = 0;
  let confirmed = 0;
  for (const { position_bytes, rest, leaves_sha256 } of record.checkpoints) {
    const blocks = wholeBlocks(position_bytes, shape.data_bytes);
    const pending_bytes = position_bytes - blocks * BLOCK_BYTES;
    if (blocks > shape.data_blocks || rest.length !== pending_bytes) break;
    const found = await hashRange(device, Math.max(1, hashed_blocks), blocks, salt, leaves);
    if (digestOfLeaves(leaves, hashed_blocks, blocks) !== leaves_sha256) break;
    stretches.push(...found);
    hashed_blocks = blocks;
    confirmed += 1;
  }
  const checkpoints = record.checkpoints.slice(0, confirmed);
  const last = checkpoints.at(-1);
  if (!last) return undefined;
  leaves.fill(0, hashed_blocks * HASH_BYTES);
  const { pieces, position_bytes, rest } = last;
  const stand = { position_bytes, firstBlock: record.firstBlock, rest, leaves, stretches };
  return { record: { ...record, checkpoints }, pieces, stand };
}

async function hashRange(
  device: SlotDevice,
  from_block: number,
  to_block: number,
  salt: Uint8Array,
  leaves: Uint8Array,
): Promise<WrittenStretch[]> {
  const stretches: WrittenStretch[] = [];
  const buffer = alignedBuffer(WRITE_BUFFER_BYTES);
  const step_blocks = WRITE_BUFFER_BYTES / BLOCK_BYTES;
  for (let block = from_block; block < to_block; block += step_blocks) {
    const part = buffer.subarray(0, Math.min(step_blocks, to_block - block) * BLOCK_BYTES);
    await device.read(block * BLOCK_BYTES, part);
    hashBlocks(part, salt, leaves.subarray(block * HASH_BYTES));
    const start_bytes = block * BLOCK_BYTES;
    stretches.push({ start_bytes, end_bytes: start_bytes + part.length, digest: stretchDigest(part) });
  }
  return stretches;
}
