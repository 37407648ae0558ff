import { randomFillSync } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BLOCK_BYTES } from '../../partitions/slot-blob.ts';
import { codeOf } from '../fetch/lab/lab.ts';
import { memorySource } from '../testing/memory-source.ts';
import { packedFileOf } from './lab/block-lab.ts';
import { PACK_ZSTD_LEVEL } from './limits.ts';
import { PackedFile } from './packed-file.ts';
import {
  frameRoom,
  PACKED_MAGIC,
  packBlock,
  packedHead,
  packedLayout,
  unpackBlock,
} from './packed-format.ts';

const room = frameRoom();

const noise = randomFillSync(new Uint8Array(BLOCK_BYTES));
const text = new Uint8Array(BLOCK_BYTES).fill(0x41);

describe('a block', () => {
  test('comes back as it was, whatever it holds', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), fc.nat({ max: BLOCK_BYTES }), (pattern, filled_bytes) => {
        const block = new Uint8Array(BLOCK_BYTES);
        for (let at = 0; at < filled_bytes && pattern.length > 0; at += 1)
          block[at] = pattern[at % pattern.length] ?? 0;
        expect(Buffer.compare(unpackBlock(packBlock(block, PACK_ZSTD_LEVEL), room) ?? noise, block)).toBe(0);
      }),
      { numRuns: 50 },
    );
  });

  test('that shrinks is stored without what every frame begins with, one that does not as it is', () => {
    expect(packBlock(text, PACK_ZSTD_LEVEL).length).toBeLessThan(20);
    expect(packBlock(noise, PACK_ZSTD_LEVEL)).toBe(noise);
  });

  test('that was damaged is unpacked to nothing or to a block, never to more', () => {
    const packed = packBlock(
      text.map((byte, at) => byte + (at % 17)),
      PACK_ZSTD_LEVEL,
    );
    for (let at = 0; at < packed.length; at += 1) {
      for (const flip of [1, 0x55, 0xff]) {
        const damaged = packed.slice();
        damaged[at] = (damaged[at] ?? 0) ^ flip;
        expect([undefined, BLOCK_BYTES]).toContain(unpackBlock(damaged, room)?.length);
      }
    }
    // Frames one behind the other, as a maker would who means harm: each block of them yields 128 KiB.
    const bomb = Uint8Array.from({ length: 4000 }, (_, at) => [0x02, 0x00, 0x10, 0x41][at % 4] ?? 0);
    expect(unpackBlock(bomb, room)).toBeUndefined();
  });
});

describe('a file of packed blocks', () => {
  const data = new Uint8Array(Buffer.concat(Array.from({ length: 300 }, (_, at) => (at % 3 ? text : noise))));

  test('says where its blocks are, for the head of their groups alone', async () => {
    const source = packedFileOf(data);
    const file = await PackedFile.open(source, 300);
    await file?.lookUp([0, 2]);
    expect(file?.fetched_bytes).toBeLessThanOrEqual(packedLayout(300).head_bytes);
    expect((await file?.runsOf([0, 299]))?.map((run) => run.end_bytes - run.start_bytes)).toEqual([
      4096,
      packBlock(text, PACK_ZSTD_LEVEL).length,
    ]);
    expect(() => file?.placeOf(130)).toThrow(/promises no block 130/);
  });

  test('is none without its magic, or shorter than its head', async () => {
    expect(await PackedFile.open(memorySource(data), 300)).toBeUndefined();
    const short = new TextEncoder().encode(PACKED_MAGIC);
    expect(await PackedFile.open(memorySource(short), 300)).toBeUndefined();
  });

  test.each([
    ['a block that is too long', (head: Buffer) => head.writeUInt16LE(4097, 16)],
    ['a block of nothing', (head: Buffer) => head.writeUInt16LE(0, 16)],
    ['a group behind its end', (head: Buffer) => head.writeBigUInt64LE(1n << 40n, 16 + 600)],
    ['a group in its head', (head: Buffer) => head.writeBigUInt64LE(16n, 16 + 600)],
    ['groups in disorder', (head: Buffer) => head.writeBigUInt64LE(640n, 16 + 600 + 16)],
  ])('with %s is refused', async (_, damage) => {
    const lengths = Array.from({ length: 300 }, () => 10);
    const bytes = Buffer.concat([packedHead(lengths), new Uint8Array(3000)]);
    damage(bytes);
    const file = await PackedFile.open(memorySource(bytes), 300);
    expect(await codeOf(file?.runsOf([0, 130, 260]) ?? Promise.resolve())).toBe('BLOCKS_FILE_INVALID');
  });
});
