import { createHash } from 'node:crypto';
import { BLOCK_BYTES } from './slot-blob.ts';

/**
 * The hash tree of dm-verity (hash type 1, SHA-256): every 4 KiB block is hashed behind the salt, 128 hashes fill a
 * block of the level above, and so on up to one block, whose hash is the root hash.
 * Source: Documentation/admin-guide/device-mapper/verity.rst of Linux; cryptsetup writes the levels top first.
 */

export const HASH_BYTES = 32;
export const HASHES_PER_BLOCK = BLOCK_BYTES / HASH_BYTES;

/** One level of the tree as it lies on the disk. Level 0 holds the hashes of the data blocks. */
export interface TreeLevel {
  /** From the start of the tree, behind the superblock. */
  offset_bytes: number;
  /** Blocks of this level. */
  blocks: number;
  /** Hashes in it: as many as the level below has blocks. */
  hashes: number;
}

/** The levels over `data_blocks` blocks, level 0 first; none for a single block. */
export function treeLevels(data_blocks: number): TreeLevel[] {
  const levels: TreeLevel[] = [];
  for (let hashes = data_blocks; hashes > 1; ) {
    const blocks = Math.ceil(hashes / HASHES_PER_BLOCK);
    levels.push({ offset_bytes: 0, blocks, hashes });
    hashes = blocks;
  }
  let offset_bytes = 0;
  for (const level of levels.toReversed()) {
    level.offset_bytes = offset_bytes;
    offset_bytes += level.blocks * BLOCK_BYTES;
  }
  return levels;
}

/** Bytes of all levels, without the superblock. */
export function treeBytes(data_blocks: number): number {
  return treeLevels(data_blocks).reduce((sum_bytes, level) => sum_bytes + level.blocks * BLOCK_BYTES, 0);
}

/** Hash of one block of data or of the tree. */
export function blockHash(block: Uint8Array, salt: Uint8Array): Uint8Array {
  return createHash('sha256').update(salt).update(block).digest();
}

/**
 * Hashes of whole blocks, one behind the other.
 *
 * @param blocks a multiple of BLOCK_BYTES
 * @param into where they go; HASH_BYTES for each block
 */
export function hashBlocks(blocks: Uint8Array, salt: Uint8Array, into: Uint8Array): void {
  for (let at = 0, place = 0; at < blocks.length; at += BLOCK_BYTES, place += HASH_BYTES)
    into.set(blockHash(blocks.subarray(at, at + BLOCK_BYTES), salt), place);
}

/**
 * The tree over the hashes of all data blocks.
 *
 * @param leaves HASH_BYTES for each data block, in order
 * @returns the levels as they lie on the disk, top first, and the root hash in hexadecimal
 */
export function hashTree(leaves: Uint8Array, salt: Uint8Array): { tree: Uint8Array; root_hash: string } {
  const levels = treeLevels(leaves.length / HASH_BYTES);
  const tree = new Uint8Array(levels.reduce((sum_bytes, level) => sum_bytes + level.blocks * BLOCK_BYTES, 0));
  let hashes = leaves;
  for (const { offset_bytes, blocks } of levels) {
    tree.set(hashes, offset_bytes);
    const above = new Uint8Array(blocks * HASH_BYTES);
    hashBlocks(tree.subarray(offset_bytes, offset_bytes + blocks * BLOCK_BYTES), salt, above);
    hashes = above;
  }
  return { tree, root_hash: Buffer.from(hashes).toString('hex') };
}
