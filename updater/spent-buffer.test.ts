import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { freeSpent } from './spent-buffer.ts';

const MIB = 1024 * 1024;

test('spent bytes are empty at once, and a part of something larger stays', () => {
  const whole = new Uint8Array(MIB).fill(1);
  const part = whole.subarray(10, 20);
  freeSpent(part);
  expect(part).toEqual(new Uint8Array(10).fill(1));
  freeSpent(whole);
  expect(whole.length).toBe(0);
  expect(part.length).toBe(0);
});

test('memory does not grow by what was decompressed and freed', () => {
  const packed = Bun.zstdCompressSync(new Uint8Array(MIB).fill(7));
  const resident_bytes = () =>
    Number(/^RssAnon:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]) * 1024;
  for (let warm = 0; warm < 5; warm += 1) freeSpent(Bun.zstdDecompressSync(packed));
  const before_bytes = resident_bytes();
  for (let round = 0; round < 200; round += 1) freeSpent(Bun.zstdDecompressSync(packed));
  expect(resident_bytes() - before_bytes).toBeLessThan(20 * MIB);
});
