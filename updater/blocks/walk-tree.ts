import { BLOCK_BYTES } from '../../partitions/slot-blob.ts';
import { HASH_BYTES, treeLevels } from '../../partitions/verity-tree.ts';
import type { BaseSlot } from './base-slot.ts';
import { type ReadTree, TreeNodes } from './tree-nodes.ts';

/** What is signed about the data area of the target: `slot` of a bundle's manifest. */
export interface TargetSlot {
  data_bytes: number;
  root_hash: string;
  salt: string;
}

/**
 * The target's tree as far as it differs from the base's. Groups are GROUP_BLOCKS blocks, one leaf node each; those that
 * are not in `changed` are the same on the base at the same place.
 */
export interface TargetTree {
  data_blocks: number;
  salt: Uint8Array;
  /** Hash of each group's leaf node, HASH_BYTES each, verified. Of a slot of one block: the hash of that block. */
  hashes: Uint8Array;
  /** Groups that differ, ascending. */
  changed: readonly number[];
  /** Index in `changed` of each of them. */
  places: ReadonlyMap<number, number>;
  /** Their leaf nodes in the same order, BLOCK_BYTES each: the hash of every block, zeros behind the last. Verified. */
  leaves: Uint8Array;
  /** Reads nodes of both trees, for whoever goes on from here. */
  nodes: TreeNodes;
}

/**
 * Compares the target's tree with the base's from the root down, and fetches the nodes that differ. Without a base, or
 * with one of another salt, everything differs.
 *
 * @throws BulkheadError BLOCKS_TREE_MISMATCH; what reading the tree throws
 */
export async function walkTree(target: TargetSlot, readTree: ReadTree, base?: BaseSlot): Promise<TargetTree> {
  const salt = Uint8Array.from(Buffer.from(target.salt, 'hex'));
  const root = Uint8Array.from(Buffer.from(target.root_hash, 'hex'));
  const data_blocks = target.data_bytes / BLOCK_BYTES;
  const nodes = new TreeNodes(data_blocks, salt, readTree, base);
  const levels = treeLevels(data_blocks);
  let hashes: Uint8Array = root;
  for (let level = levels.length - 1; level > 0; level -= 1)
    hashes = await readLevel(nodes, level, hashes, levels[level]?.hashes ?? 0);
  const { changed, leaves } =
    levels.length === 0 ? { changed: [0], leaves: oneBlock(root) } : await readLeaves(nodes, hashes);
  const places = new Map(changed.map((group, index) => [group, index]));
  return { data_blocks, salt, hashes, changed, places, leaves, nodes };
}

/** The hashes that a level above the leaves holds, from the base where it has the same nodes. */
async function readLevel(
  nodes: TreeNodes,
  level: number,
  hashes: Uint8Array,
  count: number,
): Promise<Uint8Array> {
  const below = new Uint8Array(count * HASH_BYTES);
  const keep = (number: number, node: Uint8Array) => {
    const at = number * BLOCK_BYTES;
    below.set(node.subarray(0, Math.min(BLOCK_BYTES, below.length - at)), at);
  };
  const missing = await nodes.compare(level, hashes, keep);
  await nodes.fetch(level, missing, hashes, keep);
  return below;
}

/** Leaf nodes that the base has are only compared: they say that the group is the same. */
async function readLeaves(
  nodes: TreeNodes,
  hashes: Uint8Array,
): Promise<{ changed: number[]; leaves: Uint8Array }> {
  const changed = await nodes.compare(0, hashes, () => undefined);
  const leaves = new Uint8Array(changed.length * BLOCK_BYTES);
  let place = 0;
  await nodes.fetch(0, changed, hashes, (_, node) => {
    leaves.set(node, place);
    place += BLOCK_BYTES;
  });
  return { changed, leaves };
}

/** A slot of one block has no tree: its root hash is the hash of the block. */
function oneBlock(root: Uint8Array): Uint8Array {
  const leaves = new Uint8Array(BLOCK_BYTES);
  leaves.set(root);
  return leaves;
}
