import fc from 'fast-check';
import { expect, test } from 'vitest';
import { HASH_BYTES, hashTree } from '../../partitions/verity-tree.ts';
import { TAIL_BYTES } from '../bundle/manifest.ts';
import { describeEnd } from './slot-end.ts';
import { slotEnd } from './slot-shape.ts';

const SALT = new Uint8Array(32).fill(9);
const tail = Uint8Array.from({ length: TAIL_BYTES }, (_, at) => at % 251);

/** Hashes that are all different. */
function leavesOf(blocks: number, seed: number): Uint8Array {
  return Uint8Array.from({ length: blocks * HASH_BYTES }, (_, at) => (at * 31 + (at >> 8) * 7 + seed) % 256);
}

test('the end of a slot without copying is that of the tree that was put together, for every number of blocks', () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.integer({ min: 1, max: 400 }), fc.constantFrom(128, 129, 128 * 128, 128 * 128 + 1)),
      fc.integer({ min: 0, max: 255 }),
      (blocks, seed) => {
        const leaves = leavesOf(blocks, seed);
        const { tree, root_hash } = hashTree(leaves, SALT);
        const end = describeEnd(leaves, tail, SALT);
        expect(end.root_hash).toBe(root_hash);
        expect(Buffer.concat(end.parts).equals(slotEnd(tail, tree))).toBe(true);
      },
    ),
    { numRuns: 60 },
  );
});

test('the lowest level is the leaves where they are, whole blocks of them', () => {
  const leaves = leavesOf(1000, 1);
  const { parts } = describeEnd(leaves, tail, SALT);
  expect(parts.some((part) => part.buffer === leaves.buffer && part.length === 28_672)).toBe(true);
});
