import { randomFillSync } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BLOCK_BYTES } from '../../partitions/slot-blob.ts';
import { HASH_BYTES, treeBytes } from '../../partitions/verity-tree.ts';
import { codeOf } from '../fetch/lab/lab.ts';
import { PIECE_TARGET_BYTES } from '../limits.ts';
import type { BaseSlot } from './base-slot.ts';
import { baseOf, planFor, slotOf, slotOfData, treeOf } from './lab/block-lab.ts';
import { GROUP_BLOCKS, REQUEST_MAX_BYTES } from './limits.ts';

/** A slot image of 254 MiB, as releases have it; only hashes exist, nobody reads the data. */
const BLOCKS = 65_000;
const leaves = randomFillSync(new Uint8Array(BLOCKS * HASH_BYTES));
/** What one change may cost beside its block. */
const BUDGET_BYTES = 20_000;

/** A base of which only the tree is read. */
function treeOnly({ tree, target }: ReturnType<typeof treeOf>): BaseSlot {
  const start_bytes = target.data_bytes + BLOCK_BYTES;
  return {
    data_bytes: target.data_bytes,
    read: (offset_bytes, into) => {
      if (offset_bytes < start_bytes) throw new Error('data was read');
      const found = tree.subarray(offset_bytes - start_bytes, offset_bytes - start_bytes + into.length);
      into.set(found);
      return found.length;
    },
  };
}

/** The leaves with some of them replaced. */
function changed(...blocks: number[]): Uint8Array {
  const copy = leaves.slice();
  for (const block of blocks) randomFillSync(copy, block * HASH_BYTES, HASH_BYTES);
  return copy;
}

const base = treeOnly(treeOf(leaves));

describe('over 65,000 blocks', () => {
  test('an equal slot costs nothing', async () => {
    const { plan, treeSource } = await planFor(treeOf(leaves), base);
    expect(treeSource.requests).toBe(0);
    expect(plan).toMatchObject({ copied: BLOCKS, moved: 0, fetch_blocks: 0, tree_bytes: 0 });
  });

  test.each([
    [0, 128 + 2 * BLOCK_BYTES],
    [30_000, 128 + 2 * BLOCK_BYTES],
    // The last nodes are not full.
    [BLOCKS - 1, 128 + (508 - 384) * HASH_BYTES + (BLOCKS - 507 * 128) * HASH_BYTES],
  ])(
    'one block that changed, block %i, costs %i bytes of tree in three requests',
    async (block, tree_bytes) => {
      const { plan, treeSource } = await planFor(treeOf(changed(block)), base);
      expect(tree_bytes).toBeLessThan(BUDGET_BYTES);
      expect(treeSource).toEqual({ requests: 3, bytes: tree_bytes });
      expect(plan).toMatchObject({ copied: BLOCKS - 1, moved: 0, fetch_blocks: 1, tree_bytes });
      expect([...plan.fetch_numbers]).toEqual([block]);
      expect(plan.fetch_pieces).toEqual([Math.floor((block * BLOCK_BYTES) / PIECE_TARGET_BYTES)]);
    },
  );

  test('many blocks that changed cost a node each at most', async () => {
    const blocks = Array.from({ length: 40 }, (_, at) => at * 1_600 + 7);
    const { plan } = await planFor(treeOf(changed(...blocks)), base);
    expect(plan).toMatchObject({ copied: BLOCKS - 40, fetch_blocks: 40 });
    expect([...plan.fetch_numbers]).toEqual(blocks);
    expect(plan.tree_bytes).toBeLessThanOrEqual(128 + (4 + 40) * BLOCK_BYTES);
  });

  test('content that moved by a block is found again', async () => {
    const shifted = new Uint8Array(leaves.length + HASH_BYTES);
    randomFillSync(shifted, 0, HASH_BYTES);
    shifted.set(leaves, HASH_BYTES);
    const { plan } = await planFor(treeOf(shifted), base);
    expect(plan).toMatchObject({ copied: 0, moved: BLOCKS, fetch_blocks: 1 });
    expect([...plan.origins.subarray(1, 4)]).toEqual([0, 1, 2]);
  });

  test('blocks that changed places are found again for two nodes', async () => {
    const swapped = leaves.slice();
    swapped.set(leaves.subarray(0, HASH_BYTES), 64_999 * HASH_BYTES);
    swapped.set(leaves.subarray(64_999 * HASH_BYTES), 0);
    const { plan } = await planFor(treeOf(swapped), base);
    expect(plan).toMatchObject({ copied: BLOCKS - 2, moved: 2, fetch_blocks: 0 });
    expect(plan.tree_bytes).toBeLessThan(BUDGET_BYTES);
  });

  test('a slot that shrank or grew shares what is left', async () => {
    const shrunk = await planFor(treeOf(leaves.slice(0, 50_000 * HASH_BYTES)), base);
    expect(shrunk.plan).toMatchObject({ copied: 50_000, moved: 0, fetch_blocks: 0 });
    expect(shrunk.plan.tree_bytes).toBeLessThan(BUDGET_BYTES);
    const grown = new Uint8Array(70_000 * HASH_BYTES);
    grown.set(leaves);
    randomFillSync(grown, leaves.length);
    const { plan } = await planFor(treeOf(grown), base);
    expect(plan).toMatchObject({ copied: BLOCKS, moved: 0, fetch_blocks: 5_000 });
    expect(plan.tree_bytes).toBeLessThan(5_000 * HASH_BYTES + BUDGET_BYTES);
  });

  test('across the size where the tree gets another level, too', async () => {
    const small = leaves.slice(0, 128 * 128 * HASH_BYTES);
    const large = leaves.slice(0, (128 * 128 + 1) * HASH_BYTES);
    const up = await planFor(treeOf(large), treeOnly(treeOf(small)));
    expect(up.plan).toMatchObject({ copied: 128 * 128, fetch_blocks: 1 });
    expect(up.plan.tree_bytes).toBeLessThan(200);
    const down = await planFor(treeOf(small), treeOnly(treeOf(large)));
    expect(down.plan).toMatchObject({ copied: 128 * 128, fetch_blocks: 0, tree_bytes: 0 });
  });

  test('of which each changed, the used part of the whole tree is fetched, in requests of bounded length', async () => {
    const other = treeOf(randomFillSync(new Uint8Array(leaves.length)));
    const { plan, treeSource } = await planFor(other, base);
    expect(plan).toMatchObject({ copied: 0, moved: 0, fetch_blocks: BLOCKS });
    expect(plan.tree_bytes).toBe((BLOCKS + 508 + 4) * HASH_BYTES);
    expect(treeSource.requests).toBe(1 + 1 + Math.ceil((508 * BLOCK_BYTES) / REQUEST_MAX_BYTES));
  });

  test('without a base, or with one of another salt, everything is fetched', async () => {
    expect((await planFor(treeOf(leaves))).plan).toMatchObject({ copied: 0, moved: 0, fetch_blocks: BLOCKS });
    const small = slotOf([1, 2, 3, 4]);
    const salted = slotOfData(small.data, new Uint8Array(32).fill(1));
    expect((await planFor(salted, baseOf(small))).plan).toMatchObject({
      copied: 0,
      moved: 0,
      fetch_blocks: 4,
    });
  });

  test('equal blocks among the changed ones all get the one that the base has', async () => {
    const copy = leaves.slice();
    for (const block of [10, 11, 5_000, 64_000])
      copy.set(leaves.subarray(77 * HASH_BYTES, 78 * HASH_BYTES), block * HASH_BYTES);
    const { plan } = await planFor(treeOf(copy), base);
    expect(plan).toMatchObject({ copied: BLOCKS - 4, moved: 4, fetch_blocks: 0 });
    expect(plan.origins[10]).toBe(77);
  });
});

describe('a tree that is not the signed one', () => {
  const slot = slotOf(Array.from({ length: 20_000 }, (_, block) => block + 1));

  test('is refused whichever byte of it is wrong', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat({ max: slot.tree.length - 1 }),
        fc.integer({ min: 1, max: 255 }),
        async (at, flip) => {
          const tree = slot.tree.slice();
          tree[at] = (tree[at] ?? 0) ^ flip;
          const planning = planFor({ tree, target: slot.target });
          // Zeros behind the last hash of a level are known and not fetched.
          if (isPadding(at)) expect((await planning).plan.fetch_blocks).toBe(20_000);
          else expect(await codeOf(planning)).toBe('BLOCKS_TREE_MISMATCH');
        },
      ),
      { numRuns: 100 },
    );
  });

  /** Levels of 20,000 blocks: 1 node of 2 hashes, 2 nodes of 157, 157 nodes of 20,000. */
  function isPadding(at: number): boolean {
    if (at < BLOCK_BYTES) return at >= 2 * HASH_BYTES;
    if (at < 3 * BLOCK_BYTES) return at - BLOCK_BYTES >= 157 * HASH_BYTES;
    return at - 3 * BLOCK_BYTES >= 20_000 * HASH_BYTES;
  }

  test('is refused under another root hash, and when it is cut off', async () => {
    const target = { ...slot.target, root_hash: 'ab'.repeat(32) };
    expect(await codeOf(planFor({ tree: slot.tree, target }))).toBe('BLOCKS_TREE_MISMATCH');
    for (const end of [0, 10, BLOCK_BYTES, slot.tree.length - BLOCK_BYTES]) {
      const tree = slot.tree.slice(0, end);
      expect(await codeOf(planFor({ tree, target: slot.target }))).toBe('BLOCKS_TREE_MISMATCH');
    }
  });
});

describe('a base that is not what it should be', () => {
  const numbers = Array.from({ length: 1_000 }, (_, block) => block + 1);
  const slot = slotOf(numbers);
  const target = slotOf(numbers.map((number) => (number % 300 === 0 ? number + 10_000 : number)));
  const whole = { copied: 997, moved: 0, fetch_blocks: 3 };

  test('with wrong hashes in its tree only makes the update dearer', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat({ max: slot.tree.length - 1 }), { maxLength: 20 }), async (places) => {
        const rotten = baseOf(slot);
        for (const at of places) {
          const place = slot.data.length + BLOCK_BYTES + at;
          rotten.image[place] = (rotten.image[place] ?? 0) ^ 0x10;
        }
        const { plan } = await planFor(target, rotten);
        expect(plan.copied + plan.moved + plan.fetch_blocks).toBe(1_000);
        expect(plan.copied).toBeLessThanOrEqual(whole.copied);
        expect(plan.fetch_blocks).toBeLessThanOrEqual(3 + places.length);
      }),
    );
  });

  test('whose tree cannot be read at all counts as none', async () => {
    const blind = baseOf(slot, () => true);
    const { plan } = await planFor(target, blind);
    expect(plan).toMatchObject({ copied: 0, moved: 0, fetch_blocks: 1_000 });
  });

  test('with one bad sector in its tree costs the blocks of that node at most', async () => {
    const leaf = slot.data.length + BLOCK_BYTES + treeBytes(1_000) - 2 * BLOCK_BYTES;
    const bad = baseOf(slot, (start, end) => start < leaf + BLOCK_BYTES && end > leaf);
    const { plan } = await planFor(target, bad);
    expect(plan.copied).toBe(whole.copied - GROUP_BLOCKS);
    expect(plan.fetch_blocks).toBe(whole.fetch_blocks + GROUP_BLOCKS);
  });

  test('of a few blocks is no trouble', async () => {
    for (const blocks of [1, 2, 127, 128, 129]) {
      const { plan } = await planFor(slot, baseOf(slotOf(numbers.slice(0, blocks))));
      // One block alone has no tree to compare.
      expect(plan.copied).toBe(blocks === 1 ? 0 : blocks);
      const small = slotOf(numbers.slice(0, blocks));
      const down = await planFor(small, baseOf(slot));
      expect(down.plan.copied + down.plan.moved).toBe(blocks);
      expect(down.plan.fetch_blocks).toBe(0);
    }
  });
});
