import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { RAUC_CHUNK_BYTES, SQUASHFS_BLOCK_BYTES } from './limits.ts';
import { computeRaucAdaptive, countNewBlocks } from './rauc-adaptive.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'bulkhead-rauc-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Blocks that do not shrink, so that their price is known. */
function noise(blocks: number): Uint8Array {
  const bytes = new Uint8Array(blocks * SQUASHFS_BLOCK_BYTES);
  let state = 1;
  for (let at = 0; at < bytes.length; at += 1) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    bytes[at] = state >>> 16;
  }
  return bytes;
}

function compute(base: Uint8Array, target: Uint8Array) {
  writeFileSync(join(folder, 'base'), base);
  writeFileSync(join(folder, 'target'), target);
  return computeRaucAdaptive(join(folder, 'base'), join(folder, 'target'));
}

test('the same image costs its index alone', () => {
  const image = noise(3);
  const chunks = image.length / RAUC_CHUNK_BYTES;
  expect(compute(image, image)).toEqual({ index_bytes: chunks * 32, payload_bytes: 0, new_chunks: 0 });
});

test('one changed byte costs the squashfs block that it lies in', () => {
  const base = noise(3);
  const target = Uint8Array.from(base);
  target[SQUASHFS_BLOCK_BYTES + 5] = (target[SQUASHFS_BLOCK_BYTES + 5] ?? 0) ^ 1;
  const { payload_bytes, new_chunks } = compute(base, target);
  expect(new_chunks).toBe(1);
  expect(payload_bytes).toBeLessThanOrEqual(SQUASHFS_BLOCK_BYTES);
  expect(payload_bytes).toBeGreaterThan(SQUASHFS_BLOCK_BYTES * 0.9);
});

test('new blocks are counted once each, and only in the stretch that is asked about', () => {
  const base = noise(1);
  const target = new Uint8Array(2 * SQUASHFS_BLOCK_BYTES);
  target.set(base);
  target.fill(0x55, SQUASHFS_BLOCK_BYTES);
  writeFileSync(join(folder, 'base'), base);
  writeFileSync(join(folder, 'target'), target);
  const of = (file: string, end_bytes: number) => ({ file: join(folder, file), end_bytes });
  expect(countNewBlocks(of('base', base.length), of('target', target.length))).toBe(1);
  expect(countNewBlocks(of('base', base.length), of('target', base.length))).toBe(0);
  expect(countNewBlocks(of('base', RAUC_CHUNK_BYTES), of('target', base.length))).toBe(31);
});

test('chunks that moved by whole chunks cost nothing', () => {
  const base = noise(2);
  const target = new Uint8Array(base.length);
  target.set(base.subarray(RAUC_CHUNK_BYTES));
  target.set(base.subarray(0, RAUC_CHUNK_BYTES), base.length - RAUC_CHUNK_BYTES);
  expect(compute(base, target)).toMatchObject({ payload_bytes: 0, new_chunks: 0 });
});
