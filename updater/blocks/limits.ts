import { BLOCK_BYTES } from '../../partitions/slot-blob.ts';
import { HASHES_PER_BLOCK } from '../../partitions/verity-tree.ts';

/** Limits of updates by single blocks, each with its reason. */

const KIB = 1024;

/** Blocks that one leaf node of the tree covers: the unit that is compared, verified and given out. */
export const GROUP_BLOCKS = HASHES_PER_BLOCK;
export const GROUP_BYTES = GROUP_BLOCKS * BLOCK_BYTES;

/**
 * One request for blocks or nodes. Two are in memory at a time, so this bounds it, and with the CHECKPOINT_EVERY_BYTES that may wait
 * for the journal it bounds what a transfer that is killed has to repeat beside the tree.
 */
export const REQUEST_MAX_BYTES = 96 * KIB;
/** Bytes nobody needs that are fetched to save a request: fewer than the heads of one and its answer cost in time. */
export const REQUEST_GAP_MAX_BYTES = BLOCK_BYTES;

/** The running slot's tree is read in parts of this; on a spinning disk longer ones are no faster. */
export const BASE_READ_BYTES = 256 * KIB;

/** Level of zstd for single blocks: of 4 KiB higher ones make 0.5 % less, in ten times the time. */
export const PACK_ZSTD_LEVEL = 9;
