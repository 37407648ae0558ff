import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { readRange } from '../source.ts';
import { fileSource } from './file-source.ts';

const folder = mkdtempSync(join(tmpdir(), 'bulkhead-source-'));
afterAll(() => rmSync(folder, { recursive: true }));
const code = (wanted: string) => expect.objectContaining({ code: wanted });
const file = join(folder, 'file');
const content = Uint8Array.from({ length: 700_000 }, (_, at) => at * 7);
writeFileSync(file, content);

test('a file is read by ranges, in order, exactly', async () => {
  const source = fileSource(file);
  expect(await source.size_bytes()).toBe(content.length);
  for (const [start, end] of [
    [0, content.length],
    [5, 5],
    [1, 262_145],
    [699_999, 700_000],
  ] as const)
    expect(Buffer.compare(await readRange(source, start, end), content.subarray(start, end))).toBe(0);
  await source.close();
  expect(await source.size_bytes()).toBe(content.length);
  await source.close();
});

test('a range behind the end of the file is an error, also when the file shrinks meanwhile', async () => {
  const source = fileSource(file);
  await expect(readRange(source, 699_000, 700_001)).rejects.toThrow(code('BUNDLE_FILE_SHORT'));
  const shrinking = join(folder, 'shrinking');
  writeFileSync(shrinking, content);
  const other = fileSource(shrinking);
  expect(await other.size_bytes()).toBe(content.length);
  truncateSync(shrinking, 300_000);
  await expect(readRange(other, 0, content.length)).rejects.toThrow(code('BUNDLE_FILE_SHORT'));
  await Promise.all([source.close(), other.close()]);
});

test('what is no file is an error', async () => {
  for (const path of [join(folder, 'none'), folder]) {
    const source = fileSource(path);
    await expect(source.size_bytes()).rejects.toThrow(code('BUNDLE_FILE_UNREADABLE'));
    await expect(readRange(source, 0, 10)).rejects.toThrow(code('BUNDLE_FILE_UNREADABLE'));
    await source.close();
  }
});
