import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { run, runOrThrow } from '../../base/run.ts';
import { bootFileRuns, FOOTER_BYTES, footerOffset, parseFooter } from '../../partitions/slot-blob.ts';
import { makeSyntheticSlot } from './synthetic-slot.ts';

const folder = mkdtempSync(join(tmpdir(), 'bulkhead-synthetic-'));
afterAll(() => rmSync(folder, { recursive: true }));
const options = { blocks: 300, seed: 7, version: '1.2.3' };

test('a synthetic slot parses as a slot and veritysetup finds every block of it whole', async () => {
  const blob = makeSyntheticSlot(options);
  const footerStart_bytes = footerOffset(blob.subarray(0, 512));
  expect(footerStart_bytes).toBe(blob.length - FOOTER_BYTES);
  const footer = blob.subarray(footerStart_bytes);
  const manifest = parseFooter(footer);
  expect(manifest).toMatchObject({ version: '1.2.3', data_bytes: 300 * 4096, blob_bytes: blob.length });
  expect(bootFileRuns(footer)).toEqual({ kernel: { start: 8, count: 8 }, initrd: { start: 16, count: 8 } });
  const path = join(folder, 'slot');
  writeFileSync(path, blob);
  const offset = String(manifest.data_bytes);
  const verify = ['verify', '--hash-offset', offset, path, path, manifest.verity.root_hash];
  await runOrThrow(run, 'veritysetup', verify);
  blob[200 * 4096] = (blob[200 * 4096] ?? 0) ^ 1;
  writeFileSync(path, blob);
  expect((await run('veritysetup', verify)).code).not.toBe(0);
});

test('the same numbers give the same bytes, another seed others, and a larger slot begins with the smaller', () => {
  const blob = makeSyntheticSlot(options);
  expect(Buffer.compare(blob, makeSyntheticSlot(options))).toBe(0);
  expect(Buffer.compare(blob, makeSyntheticSlot({ ...options, seed: 8 }))).not.toBe(0);
  const larger = makeSyntheticSlot({ ...options, blocks: 310 });
  expect(Buffer.compare(blob.subarray(4096, 300 * 4096), larger.subarray(4096, 300 * 4096))).toBe(0);
});

test('what is mutated changes the root hash and nothing else of the data', () => {
  const blob = makeSyntheticSlot(options);
  const mutated = makeSyntheticSlot({ ...options, mutate: (data) => data.fill(1, 8192 * 10, 8192 * 10 + 1) });
  const differing = [...Array(300).keys()].filter(
    (block) =>
      Buffer.compare(
        blob.subarray(block * 4096, block * 4096 + 4096),
        mutated.subarray(block * 4096, block * 4096 + 4096),
      ) !== 0,
  );
  expect(differing).toEqual([20]);
  const rootOf = (slot: Uint8Array) => parseFooter(slot.subarray(-FOOTER_BYTES)).verity.root_hash;
  expect(rootOf(mutated)).not.toBe(rootOf(blob));
});
