import { expect, test } from 'vitest';
import { DIRECT_IO_ALIGN_BYTES } from '../../base/limits.ts';
import { BLOCK_BYTES } from '../../partitions/slot-blob.ts';
import { HASH_BYTES, hashBlocks } from '../../partitions/verity-tree.ts';
import { WRITE_BUFFER_BYTES } from '../limits.ts';
import { BlockHasher, slotBuffer } from './slot-buffer.ts';

const SALT = Uint8Array.from({ length: 32 }, (_, at) => at * 3);

test('one hasher for all blocks gives the hashes that one for each block gives', () => {
  const buffer = slotBuffer();
  buffer.bytes.forEach((_, at) => {
    buffer.bytes[at] = (at * 7 + (at >> 12)) % 256;
  });
  const count = buffer.blocks.length - 1;
  const wanted = new Uint8Array(count * HASH_BYTES);
  hashBlocks(buffer.bytes.subarray(0, count * BLOCK_BYTES), SALT, wanted);
  const hasher = new BlockHasher(SALT);
  const found = new Uint8Array(HASH_BYTES * 2 + wanted.length);
  // Twice: nothing of the first time may be left in it.
  hasher.hash(buffer, 3, found, 0);
  hasher.hash(buffer, count, found, HASH_BYTES);
  expect(found.subarray(HASH_BYTES, -HASH_BYTES)).toEqual(wanted);
  expect(found.subarray(-HASH_BYTES)).toEqual(new Uint8Array(HASH_BYTES));
});

test('a buffer is aligned as O_DIRECT demands, and its blocks are all of it', () => {
  const { bytes, blocks } = slotBuffer();
  expect(bytes.length).toBe(WRITE_BUFFER_BYTES);
  expect(bytes.length % DIRECT_IO_ALIGN_BYTES).toBe(0);
  expect(blocks.map((block) => block.byteOffset - bytes.byteOffset)).toEqual(
    blocks.map((_, number) => number * BLOCK_BYTES),
  );
  expect(blocks.length * BLOCK_BYTES).toBe(bytes.length);
});

test('more blocks than a buffer has are refused', () => {
  const buffer = slotBuffer();
  const into = new Uint8Array((buffer.blocks.length + 1) * HASH_BYTES);
  expect(() => new BlockHasher(SALT).hash(buffer, buffer.blocks.length + 1, into, 0)).toThrow(RangeError);
});
