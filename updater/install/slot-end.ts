import { BLOCK_BYTES } from '../../partitions/slot-blob.ts';
import { blockHash, HASH_BYTES, treeLevels } from '../../partitions/verity-tree.ts';

/** What is behind the data area, in the order in which it lies on the disk, without being copied together. */
export interface SlotEnd {
  root_hash: string;
  /** Superblock, tree from the top level down, footer. */
  parts: Uint8Array[];
}

/**
 * The same bytes as `slotEnd` over the tree of `hashTree`, out of the leaves where they are: they are the lowest level, two
 * megabytes that would otherwise be in memory three times just when everything else is there, too.
 *
 * @param leaves HASH_BYTES for each data block
 * @param tail superblock and footer
 */
export function describeEnd(leaves: Uint8Array, tail: Uint8Array, salt: Uint8Array): SlotEnd {
  const levels: Uint8Array[] = [];
  let hashes = leaves;
  for (const { blocks } of treeLevels(leaves.length / HASH_BYTES)) {
    const level = wholeBlocks(hashes);
    levels.unshift(...level);
    const above = new Uint8Array(blocks * HASH_BYTES);
    let place = 0;
    for (const stretch of level) {
      for (let at = 0; at < stretch.length; at += BLOCK_BYTES, place += HASH_BYTES)
        above.set(blockHash(stretch.subarray(at, at + BLOCK_BYTES), salt), place);
    }
    hashes = above;
  }
  const superblock = tail.subarray(0, BLOCK_BYTES);
  const footer = tail.subarray(BLOCK_BYTES);
  return { root_hash: Buffer.from(hashes).toString('hex'), parts: [superblock, ...levels, footer] };
}

/** A level as it lies on the disk: the hashes, the last block filled up with zeros. */
function wholeBlocks(hashes: Uint8Array): Uint8Array[] {
  const whole_bytes = hashes.length - (hashes.length % BLOCK_BYTES);
  const whole = whole_bytes > 0 ? [hashes.subarray(0, whole_bytes)] : [];
  if (whole_bytes === hashes.length) return whole;
  const last = new Uint8Array(BLOCK_BYTES);
  last.set(hashes.subarray(whole_bytes));
  return [...whole, last];
}
