import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { BulkheadError } from '../../base/errors.ts';
import { BLOCK_BYTES, FOOTER_BYTES } from '../../partitions/slot-blob.ts';
import { slotStreamReader } from './blob-reader.ts';
import { joined, noise } from './test-blobs.ts';

const folder = mkdtempSync(join(tmpdir(), 'bulkhead-delta-'));
afterAll(() => rmSync(folder, { recursive: true }));

const data = noise('data', 9 * BLOCK_BYTES);
const superblock = noise('superblock', BLOCK_BYTES);
const tree = noise('tree', 3 * BLOCK_BYTES);
const footer = noise('footer', FOOTER_BYTES);
const slot = joined(data, superblock, tree, footer);
const stream = joined(data, superblock, footer);

function slotFile(name: string, behind_bytes = 0) {
  const path = join(folder, name);
  writeFileSync(path, slot);
  truncateSync(path, slot.length + behind_bytes);
  return { path, sizes: { data_bytes: data.length, blob_bytes: slot.length } };
}

function codeOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof BulkheadError) return error.code;
    throw error;
  }
  return 'none';
}

test('the stream is data, superblock and footer, wherever it is read, and the tree is not in it', () => {
  // A partition is larger than its slot.
  const { path, sizes } = slotFile('slot', 5 * BLOCK_BYTES);
  const reader = slotStreamReader(path, sizes);
  expect(reader.size_bytes).toBe(stream.length);
  const cuts = [0, 1, data.length, data.length + BLOCK_BYTES - 3, data.length + BLOCK_BYTES, stream.length];
  for (const from of cuts) {
    for (const to of cuts.filter((cut) => cut >= from))
      expect(
        Buffer.compare(reader.read(from, to - from), stream.subarray(from, to)),
        `${from} to ${to}`,
      ).toBe(0);
  }
  reader.close();
});

test('reads outside of the stream are refused', () => {
  const { path, sizes } = slotFile('slot');
  const reader = slotStreamReader(path, sizes);
  for (const [from, size] of [
    [-1, 1],
    [0, stream.length + 1],
    [stream.length, 1],
    [5, -1],
    [Number.NaN, 1],
  ] as const)
    expect(codeOf(() => reader.read(from, size))).toBe('DELTA_BASE_RANGE');
  reader.close();
});

test('a slot that cannot be opened, is too short or fails while it is read is an error that names it', () => {
  expect(
    codeOf(() => slotStreamReader(join(folder, 'missing'), { data_bytes: 4096, blob_bytes: 40_960 })),
  ).toBe('DELTA_BASE_UNREADABLE');
  const { path, sizes } = slotFile('short');
  truncateSync(path, slot.length - 100);
  const reader = slotStreamReader(path, sizes);
  expect(() => reader.read(stream.length - 200, 200)).toThrow(path);
  reader.close();
  const folderReader = slotStreamReader(folder, sizes);
  expect(codeOf(() => folderReader.read(0, 10))).toBe('DELTA_BASE_UNREADABLE');
  folderReader.close();
});
