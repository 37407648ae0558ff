import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { run, runOrThrow } from '../base/run.ts';
import { BLOCK_BYTES } from './slot-blob.ts';
import { HASH_BYTES, hashBlocks, hashTree, treeBytes, treeLevels } from './verity-tree.ts';

const folder = mkdtempSync(join(tmpdir(), 'bulkhead-verity-'));
afterAll(() => rmSync(folder, { recursive: true }));
const SALT = new Uint8Array(32).fill(0x5a);

function content(blocks: number): Uint8Array {
  const bytes = new Uint8Array(blocks * BLOCK_BYTES);
  const words = new Uint32Array(bytes.buffer);
  for (let at = 0; at < words.length; at += 512) words[at] = at * 2_654_435_761;
  return bytes;
}

describe('the tree equals what veritysetup writes, byte for byte', () => {
  test.each([2, 127, 128, 129, 128 * 128, 128 * 128 + 1])('over %i blocks', async (blocks) => {
    const bytes = content(blocks);
    const data = join(folder, `data-${blocks}`);
    const hashes = join(folder, `tree-${blocks}`);
    writeFileSync(data, bytes);
    const said = await runOrThrow(run, 'veritysetup', [
      'format',
      '--salt',
      Buffer.from(SALT).toString('hex'),
      data,
      hashes,
    ]);
    const leaves = new Uint8Array(blocks * HASH_BYTES);
    hashBlocks(bytes, SALT, leaves);
    const { tree, root_hash } = hashTree(leaves, SALT);
    expect(said).toContain(root_hash);
    expect(Buffer.from(tree).equals(readFileSync(hashes).subarray(BLOCK_BYTES))).toBe(true);
    expect(tree.length).toBe(treeBytes(blocks));
  });
});

test('levels lie top first and each has the hashes of the one below', () => {
  expect(treeLevels(63_232)).toEqual([
    { offset_bytes: 5 * BLOCK_BYTES, blocks: 494, hashes: 63_232 },
    { offset_bytes: BLOCK_BYTES, blocks: 4, hashes: 494 },
    { offset_bytes: 0, blocks: 1, hashes: 4 },
  ]);
});

test('a single block is its own tree', () => {
  const leaf = new Uint8Array(HASH_BYTES).fill(7);
  expect(hashTree(leaf, SALT)).toEqual({
    tree: new Uint8Array(0),
    root_hash: Buffer.from(leaf).toString('hex'),
  });
});
