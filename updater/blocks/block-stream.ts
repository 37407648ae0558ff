import { BulkheadError } from '../../base/errors.ts';
import { BLOCK_BYTES } from '../../partitions/slot-blob.ts';
import { blockHash, HASH_BYTES } from '../../partitions/verity-tree.ts';
import { BlockHasher, type SlotBuffer, slotBuffer } from '../install/slot-buffer.ts';
import { type BaseSlot, fillFromBase } from './base-slot.ts';
import { GROUP_BLOCKS, GROUP_BYTES } from './limits.ts';
import type { PackedFile } from './packed-file.ts';
import { type BlockPlan, blocksOfGroup, FETCHED } from './plan-blocks.ts';
import { type BlockSupply, supplyFromFile, supplyFromPieces } from './supply.ts';

/** Where blocks are fetched from: a file of packed blocks, or the pieces of the full bundle. */
export type BlockOrigin =
  | { blocks: PackedFile }
  /** Gives the bytes of the slot that a piece yields, PIECE_TARGET_BYTES but for the last; valid until the next call. */
  | { readPiece: (number: number) => Promise<Uint8Array> };

export interface BlockStreamOptions {
  base?: BaseSlot;
  from: BlockOrigin;
  /** First group that is given out; 0 when absent. */
  from_group?: number;
  /** A block of the base, by its number there, that is not what its hash says; another was fetched instead. */
  onRotten?: (block: number) => void;
}

/**
 * The data area of the target, in order, one group at a time: GROUP_BYTES, the last one shorter. Every group was compared
 * with the signed root hash when it is given out, wherever its blocks came from. A part is valid until the next is asked for.
 *
 * @throws BulkheadError BLOCKS_MISMATCH, BLOCKS_TREE_MISMATCH; what the origin throws
 */
export async function* blockStream(
  plan: BlockPlan,
  options: BlockStreamOptions,
): AsyncGenerator<Uint8Array, void, void> {
  const from_group = options.from_group ?? 0;
  const supply =
    'blocks' in options.from
      ? await supplyFromFile(
          options.from.blocks,
          plan.fetch_numbers.filter((block) => block >= from_group * GROUP_BLOCKS),
        )
      : supplyFromPieces(options.from.readPiece);
  const groups = Math.ceil(plan.tree.data_blocks / GROUP_BLOCKS);
  const bench: Bench = {
    buffer: slotBuffer(GROUP_BYTES),
    hasher: new BlockHasher(plan.tree.salt),
    found: new Uint8Array(BLOCK_BYTES),
    supply,
  };
  try {
    for (let group = from_group; group < groups; group += 1) {
      const index = plan.tree.places.get(group);
      yield index === undefined
        ? await sameGroup(plan, group, bench, options)
        : await changedGroup(plan, group, index, bench, options);
    }
  } finally {
    supply.stop();
  }
}

/** What one group after the other is made with: the same for all, so that a slot passes by without leaving garbage. */
interface Bench {
  buffer: SlotBuffer;
  hasher: BlockHasher;
  /** Hashes of what is in the buffer. */
  found: Uint8Array;
  supply: BlockSupply;
}

/** What of a group the plan fetches at most, for those who count what a broken transfer would repeat. */
export function fetchBytesOfGroup(plan: BlockPlan, group: number): number {
  const index = plan.tree.places.get(group);
  if (index === undefined) return 0;
  const start = index * GROUP_BLOCKS;
  const origins = plan.origins.subarray(start, start + blocksOfGroup(plan.tree.data_blocks, group));
  return origins.filter((origin) => origin === FETCHED).length * BLOCK_BYTES;
}

/** A group that the base has as it is, according to its tree; its data still has to prove that. */
async function sameGroup(
  plan: BlockPlan,
  group: number,
  bench: Bench,
  options: BlockStreamOptions,
): Promise<Uint8Array> {
  const { tree } = plan;
  const blocks = blocksOfGroup(tree.data_blocks, group);
  const bytes = bench.buffer.bytes.subarray(0, blocks * BLOCK_BYTES);
  if (options.base) await fillFromBase(options.base, group * GROUP_BYTES, bytes);
  else bytes.fill(0);
  const found = leavesOf(bench, blocks);
  const expected = tree.hashes.subarray(group * HASH_BYTES, (group + 1) * HASH_BYTES);
  if (equal(blockHash(found, tree.salt), expected)) return bytes;
  const leaves = await tree.nodes.read(0, group, tree.hashes);
  const origins = Uint32Array.from({ length: GROUP_BLOCKS }, (_, block) => group * GROUP_BLOCKS + block);
  await repair(bytes, { group, found, leaves, origins, salt: tree.salt }, bench.supply, options);
  return bytes;
}

async function changedGroup(
  plan: BlockPlan,
  group: number,
  index: number,
  bench: Bench,
  options: BlockStreamOptions,
): Promise<Uint8Array> {
  const { tree } = plan;
  const blocks = blocksOfGroup(tree.data_blocks, group);
  const bytes = bench.buffer.bytes.subarray(0, blocks * BLOCK_BYTES);
  const origins = plan.origins.subarray(index * GROUP_BLOCKS, index * GROUP_BLOCKS + blocks);
  for (let block = 0; block < blocks; ) {
    const origin = origins[block] ?? FETCHED;
    const count = origin === FETCHED ? 1 : lengthOfCopy(origins, block);
    const into = bytes.subarray(block * BLOCK_BYTES, (block + count) * BLOCK_BYTES);
    if (origin === FETCHED) into.set((await bench.supply.read(group * GROUP_BLOCKS + block)) ?? NO_BLOCK);
    else if (options.base) await fillFromBase(options.base, origin * BLOCK_BYTES, into);
    else into.fill(0);
    block += count;
  }
  const leaves = tree.leaves.subarray(index * BLOCK_BYTES, (index + 1) * BLOCK_BYTES);
  const found = leavesOf(bench, blocks);
  if (!equal(found, leaves))
    await repair(bytes, { group, found, leaves, origins, salt: tree.salt }, bench.supply, options);
  return bytes;
}

/** In place of one that cannot be unpacked: its hash tells. */
const NO_BLOCK = new Uint8Array(BLOCK_BYTES);

/** Blocks from one on that lie one behind the other on the base, too. */
function lengthOfCopy(origins: Uint32Array, block: number): number {
  const first = origins[block] ?? 0;
  let count = 1;
  while (origins[block + count] === first + count) count += 1;
  return count;
}

interface DamagedGroup {
  group: number;
  /** Hashes of the blocks as they are, and as they should be. */
  found: Uint8Array;
  leaves: Uint8Array;
  origins: Uint32Array;
  salt: Uint8Array;
}

/** Fetches the blocks that were copied and are not what they should be. One that was fetched has no second chance. */
async function repair(
  bytes: Uint8Array,
  damaged: DamagedGroup,
  supply: BlockSupply,
  options: BlockStreamOptions,
): Promise<void> {
  const { group, found, leaves, origins, salt } = damaged;
  for (let block = 0; block < bytes.length / BLOCK_BYTES; block += 1) {
    const expected = leaves.subarray(block * HASH_BYTES, (block + 1) * HASH_BYTES);
    if (equal(found.subarray(block * HASH_BYTES, (block + 1) * HASH_BYTES), expected)) continue;
    const number = group * GROUP_BLOCKS + block;
    const origin = origins[block] ?? FETCHED;
    if (origin === FETCHED) throw mismatch(group, number);
    options.onRotten?.(origin);
    const fetched = await supply.read(number);
    if (!fetched || !equal(blockHash(fetched, salt), expected)) throw mismatch(group, number);
    bytes.set(fetched, block * BLOCK_BYTES);
  }
}

/** The leaf node of a group, from its data in the buffer. */
function leavesOf({ buffer, hasher, found }: Bench, blocks: number): Uint8Array {
  found.fill(0);
  hasher.hash(buffer, blocks, found, 0);
  return found;
}

function equal(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0;
}

function mismatch(group: number, block: number): BulkheadError {
  return new BulkheadError(
    'BLOCKS_MISMATCH',
    `block ${block} in group ${group} was fetched and is not what the signed root hash says`,
    { hint: 'the file on the server is damaged or belongs to another release; publish it again' },
  );
}
