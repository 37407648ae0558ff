import { BLOCK_BYTES } from '../../partitions/slot-blob.ts';
import { PIECE_TARGET_BYTES } from '../limits.ts';
import type { BaseSlot } from './base-slot.ts';
import { BASE_READ_BYTES, GROUP_BLOCKS } from './limits.ts';
import type { TargetTree } from './walk-tree.ts';
import { WantedHashes, wordsOf } from './wanted-hashes.ts';

/** Origin of a block that is not on the base. */
export const FETCHED = 0xffff_ffff;

/** Where each block of the target comes from, and what that costs; made before a block is fetched. */
export interface BlockPlan {
  tree: TargetTree;
  /** For each block of the changed groups, in their order, GROUP_BLOCKS each: its number on the base, or FETCHED. */
  origins: Uint32Array;
  /** Blocks that the base has at the same place, and elsewhere. */
  copied: number;
  moved: number;
  fetch_blocks: number;
  /** Numbers of these blocks, ascending. */
  fetch_numbers: Uint32Array;
  /** Pieces of the full bundle that hold these blocks, for those who have no file of blocks. */
  fetch_pieces: readonly number[];
  /** Bytes of the tree that were fetched to know all this. */
  tree_bytes: number;
}

/** Looks for every changed block on the base: at its place, then anywhere. Reads the base's leaves once, no data. */
export async function planBlocks(tree: TargetTree, base?: BaseSlot): Promise<BlockPlan> {
  const origins = new Uint32Array(tree.changed.length * GROUP_BLOCKS).fill(FETCHED);
  const base_blocks = base ? base.data_bytes / BLOCK_BYTES : 0;
  const used = usedPlaces(tree);
  const atPlace = await copyInPlace(tree, origins, base_blocks);
  const wanted = used.filter((place) => origins[place] === FETCHED);
  await findMoved(tree, origins, wanted, base_blocks);
  const fetched = wanted.filter((place) => origins[place] === FETCHED);
  return {
    tree,
    origins,
    copied: tree.data_blocks - used.length + atPlace,
    moved: wanted.length - fetched.length,
    fetch_blocks: fetched.length,
    fetch_numbers: fetched.map((place) => blockAt(tree, place)),
    fetch_pieces: piecesOf(tree, fetched),
    tree_bytes: tree.nodes.fetched_bytes,
  };
}

/** Blocks of a group; the last one may have fewer than GROUP_BLOCKS. */
export function blocksOfGroup(data_blocks: number, group: number): number {
  return Math.min(GROUP_BLOCKS, data_blocks - group * GROUP_BLOCKS);
}

/** Number of the block whose hash is at a place of `tree.leaves`. */
function blockAt(tree: TargetTree, place: number): number {
  const group = tree.changed[Math.floor(place / GROUP_BLOCKS)] ?? 0;
  return group * GROUP_BLOCKS + (place % GROUP_BLOCKS);
}

/** Places of `tree.leaves` that hold a hash. */
function usedPlaces(tree: TargetTree): Uint32Array {
  const places = Uint32Array.from({ length: tree.changed.length * GROUP_BLOCKS }, (_, place) => place);
  const last = tree.changed.at(-1);
  if (last === undefined) return places;
  return places.subarray(0, places.length - GROUP_BLOCKS + blocksOfGroup(tree.data_blocks, last));
}

async function copyInPlace(tree: TargetTree, origins: Uint32Array, base_blocks: number): Promise<number> {
  const target = wordsOf(tree.leaves);
  let copied = 0;
  for (const [index, group] of tree.changed.entries()) {
    const node = await tree.nodes.readBase(0, group, 1);
    if (node.length === 0) break;
    const words = wordsOf(node);
    const blocks = Math.min(blocksOfGroup(tree.data_blocks, group), blocksOfGroup(base_blocks, group));
    for (let block = 0; block < blocks; block += 1) {
      if (!sameHash(target, index * GROUP_BLOCKS + block, words, block)) continue;
      origins[index * GROUP_BLOCKS + block] = group * GROUP_BLOCKS + block;
      copied += 1;
    }
  }
  return copied;
}

async function findMoved(
  tree: TargetTree,
  origins: Uint32Array,
  wanted: Uint32Array,
  base_blocks: number,
): Promise<void> {
  if (wanted.length === 0) return;
  const hashes = new WantedHashes(tree.leaves, wanted);
  const base_groups = Math.ceil(base_blocks / GROUP_BLOCKS);
  const step = BASE_READ_BYTES / BLOCK_BYTES;
  for (let group = 0; group < base_groups; group += step) {
    const words = wordsOf(await tree.nodes.readBase(0, group, step));
    const blocks = Math.min(step * GROUP_BLOCKS, base_blocks - group * GROUP_BLOCKS);
    for (let block = 0; block < blocks; block += 1) {
      const place = hashes.find(words, block);
      if (place !== undefined && origins[place] === FETCHED) origins[place] = group * GROUP_BLOCKS + block;
    }
  }
  // Equal blocks share the place of the first of them.
  const target = wordsOf(tree.leaves);
  for (const place of wanted) origins[place] = origins[hashes.find(target, place) ?? place] ?? FETCHED;
}

function sameHash(one: Uint32Array, oneNumber: number, other: Uint32Array, otherNumber: number): boolean {
  for (let word = 0; word < 8; word += 1)
    if (one[oneNumber * 8 + word] !== other[otherNumber * 8 + word]) return false;
  return true;
}

function piecesOf(tree: TargetTree, fetched: Uint32Array): number[] {
  const pieces: number[] = [];
  for (const place of fetched) {
    const piece = Math.floor((blockAt(tree, place) * BLOCK_BYTES) / PIECE_TARGET_BYTES);
    if (pieces.at(-1) !== piece) pieces.push(piece);
  }
  return pieces;
}
