import { BLOCK_BYTES } from '../../../partitions/slot-blob.ts';
import { HASH_BYTES, hashBlocks, hashTree } from '../../../partitions/verity-tree.ts';
import { PIECE_TARGET_BYTES } from '../../limits.ts';
import type { ByteSource } from '../../source.ts';
import { type MemorySource, memorySource } from '../../testing/memory-source.ts';
import type { BaseSlot } from '../base-slot.ts';
import { type BlockStreamOptions, blockStream } from '../block-stream.ts';
import { PACK_ZSTD_LEVEL } from '../limits.ts';
import { PackedFile } from '../packed-file.ts';
import { packBlock, packedHead } from '../packed-format.ts';
import { type BlockPlan, planBlocks } from '../plan-blocks.ts';
import { type TargetSlot, walkTree } from '../walk-tree.ts';

const SALT = new Uint8Array(32).fill(0x5a);

/** A slot as a test has it: data area, tree, and what is signed about it. */
export interface LabSlot {
  data: Uint8Array;
  tree: Uint8Array;
  target: TargetSlot;
}

/** A data area, block by block from numbers: equal numbers give equal blocks, 0 gives zeros. */
export function slotOf(numbers: readonly number[]): LabSlot {
  const data = new Uint8Array(numbers.length * BLOCK_BYTES);
  const words = new Uint32Array(data.buffer);
  for (const [block, number] of numbers.entries()) {
    words[(block * BLOCK_BYTES) / 4] = number;
    words[((block + 1) * BLOCK_BYTES) / 4 - 1] = Math.imul(number, 2_654_435_761);
  }
  return slotOfData(data);
}

export function slotOfData(data: Uint8Array, salt = SALT): LabSlot {
  const leaves = new Uint8Array((data.length / BLOCK_BYTES) * HASH_BYTES);
  hashBlocks(data, salt, leaves);
  return { data, ...treeOf(leaves, salt) };
}

/** Only the tree, from hashes of blocks that nobody has: as large as one likes. */
export function treeOf(leaves: Uint8Array, salt = SALT): { tree: Uint8Array; target: TargetSlot } {
  const { tree, root_hash } = hashTree(leaves, salt);
  const data_bytes = (leaves.length / HASH_BYTES) * BLOCK_BYTES;
  return { tree, target: { data_bytes, root_hash, salt: Buffer.from(salt).toString('hex') } };
}

/** The slot as it lies on a disk: data, superblock, tree. Reads fail where `bad` says so. */
export function baseOf(
  { data, tree }: { data: Uint8Array; tree: Uint8Array },
  bad: (start_bytes: number, end_bytes: number) => boolean = () => false,
): BaseSlot & { image: Uint8Array } {
  const image = new Uint8Array(data.length + BLOCK_BYTES + tree.length);
  image.set(data);
  image.set(tree, data.length + BLOCK_BYTES);
  return {
    image,
    data_bytes: data.length,
    read: (offset_bytes, into) => {
      if (bad(offset_bytes, offset_bytes + into.length)) throw new Error('input/output error');
      const found = image.subarray(offset_bytes, offset_bytes + into.length);
      into.set(found);
      return found.length;
    },
  };
}

/** Walks and plans; the tree's source counts what was asked of it. */
export async function planFor(
  { tree, target }: { tree: Uint8Array; target: TargetSlot },
  base?: BaseSlot,
): Promise<{ plan: BlockPlan; treeSource: { requests: number; bytes: number } }> {
  const treeSource = { requests: 0, bytes: 0 };
  const walked = await walkTree(
    target,
    async (start_bytes, end_bytes) => {
      treeSource.requests += 1;
      treeSource.bytes += end_bytes - start_bytes;
      return tree.slice(start_bytes, end_bytes);
    },
    base,
  );
  return { plan: await planBlocks(walked, base), treeSource };
}

/** Everything that a stream gives out. */
export async function streamed(plan: BlockPlan, options: BlockStreamOptions): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const part of blockStream(plan, options)) parts.push(part.slice());
  return new Uint8Array(Buffer.concat(parts));
}

/** The pieces of a full bundle, and which of them were read. */
export function piecesOf(data: Uint8Array): {
  readPiece: (number: number) => Promise<Uint8Array>;
  read: number[];
} {
  const read: number[] = [];
  const readPiece = async (number: number) => {
    read.push(number);
    return data.slice(number * PIECE_TARGET_BYTES, (number + 1) * PIECE_TARGET_BYTES);
  };
  return { readPiece, read };
}

/** The file of packed blocks of a data area. */
export function packedFileOf(data: Uint8Array): MemorySource {
  const blocks = Array.from({ length: data.length / BLOCK_BYTES }, (_, block) =>
    packBlock(data.subarray(block * BLOCK_BYTES, (block + 1) * BLOCK_BYTES), PACK_ZSTD_LEVEL),
  );
  const head = packedHead(blocks.map(({ length }) => length));
  return memorySource(new Uint8Array(Buffer.concat([head, ...blocks])), 30_000);
}

/** The same, opened. @param source in place of that of the data, to look at what is asked of it */
export async function fileOf(
  data: Uint8Array,
  source: ByteSource = packedFileOf(data),
): Promise<{ blocks: PackedFile }> {
  const blocks = await PackedFile.open(source, data.length / BLOCK_BYTES);
  if (!blocks) throw new Error('the file is none of packed blocks');
  return { blocks };
}
