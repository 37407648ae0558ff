import { BLOCK_BYTES } from '../../partitions/slot-blob.ts';

/** Which whole blocks of the target stand in the base, at the same place or anywhere. */
export interface BlockMatch {
  /** For each whole block of the target the block of the base that equals it, or -1. */
  baseOf: Int32Array;
  /** Blocks of the base, the last short one too, that equal no block of the target: where changed files were. */
  unused: Int32Array;
}

export function matchBlocks(base: Uint8Array, target: Uint8Array): BlockMatch {
  const baseBlocks = Math.floor(base.length / BLOCK_BYTES);
  const baseOf = new Int32Array(Math.floor(target.length / BLOCK_BYTES)).fill(-1);
  const used = new Uint8Array(Math.ceil(base.length / BLOCK_BYTES));
  const baseBuffer = Buffer.from(base.buffer, base.byteOffset, base.length);
  const targetBuffer = Buffer.from(target.buffer, target.byteOffset, target.length);
  const equal = (block: number, candidate: number) => {
    if (candidate < 0 || candidate >= baseBlocks) return false;
    const at = block * BLOCK_BYTES;
    const from = candidate * BLOCK_BYTES;
    return baseBuffer.compare(targetBuffer, at, at + BLOCK_BYTES, from, from + BLOCK_BYTES) === 0;
  };
  const settle = (block: number, candidate: number) => {
    baseOf[block] = candidate;
    used[candidate] = 1;
  };
  const moved: number[] = [];
  for (let block = 0; block < baseOf.length; block += 1) {
    if (equal(block, block)) settle(block, block);
    else moved.push(block);
  }
  if (moved.length > 0) {
    const hashOf = (bytes: Uint8Array, block: number) =>
      Bun.hash.wyhash(bytes.subarray(block * BLOCK_BYTES, (block + 1) * BLOCK_BYTES));
    const first = new Map<bigint, number>();
    for (let block = baseBlocks - 1; block >= 0; block -= 1) first.set(hashOf(base, block), block);
    for (const block of moved) {
      // A moved file goes on where its last block went on; only then is any other place as good.
      const before = baseOf[block - 1] ?? -1;
      const candidate =
        before >= 0 && equal(block, before + 1) ? before + 1 : (first.get(hashOf(target, block)) ?? -1);
      if (equal(block, candidate)) settle(block, candidate);
    }
  }
  const unused: number[] = [];
  for (const [block, flag] of used.entries()) if (flag === 0) unused.push(block);
  return { baseOf, unused: Int32Array.from(unused) };
}
