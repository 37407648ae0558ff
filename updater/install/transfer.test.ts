import {
  closeSync,
  ftruncateSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { BLOCK_BYTES, footerOffset, parseFooter } from '../../partitions/slot-blob.ts';
import { manifestOfSlot } from '../testing/manifest-of-slot.ts';
import { makeSyntheticSlot } from '../testing/synthetic-slot.ts';
import { type StreamPart, type TargetStream, transferSlot } from './transfer.ts';

const PIECE_BYTES = 256 * 1024;
const PARTITION_BYTES = 6 * 1024 * 1024;
let folder: string;
let device: string;
let journalFile: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'bulkhead-transfer-'));
  device = join(folder, 'slot');
  journalFile = join(folder, 'update/transfer.jsonl');
  const file = openSync(device, 'w');
  ftruncateSync(file, PARTITION_BYTES);
  closeSync(file);
});
afterEach(() => rmSync(folder, { recursive: true }));

const SLOT = makeSyntheticSlot({ blocks: 700, seed: 1, version: '2.0.0' });

/** The slot in pieces of PIECE_BYTES, each in parts of `part_bytes`; `cost_bytes` is what a piece counts as fetched. */
function streamOf(
  slot: Uint8Array,
  options: {
    part_bytes?: number;
    cost_bytes?: number;
    seen?: number[];
    stopAfter?: number;
    bundle?: string;
  } = {},
): TargetStream {
  const manifest = manifestOfSlot(slot);
  const { data_bytes, blob_bytes } = manifest.slot;
  const tree_bytes = blob_bytes - data_bytes - 20 * 1024;
  const target = Buffer.concat([
    slot.subarray(0, data_bytes + BLOCK_BYTES),
    slot.subarray(data_bytes + BLOCK_BYTES + tree_bytes),
  ]);
  const pieces = Math.ceil(target.length / PIECE_BYTES);
  const {
    part_bytes = PIECE_BYTES,
    cost_bytes = PIECE_BYTES,
    seen = [],
    stopAfter,
    bundle = 'b'.repeat(64),
  } = options;
  return {
    method: 'full',
    bundle,
    manifest,
    async *parts(from_piece): AsyncGenerator<StreamPart> {
      for (let piece = from_piece; piece < pieces; piece += 1) {
        if (piece === stopAfter) throw new Error('the power is gone');
        seen.push(piece);
        const bytes = target.subarray(piece * PIECE_BYTES, (piece + 1) * PIECE_BYTES);
        for (let at = 0; at < bytes.length; at += part_bytes) {
          const last = at + part_bytes >= bytes.length;
          const end = { done: piece + 1, fetched_bytes: cost_bytes, next_bytes: cost_bytes };
          yield { bytes: bytes.subarray(at, at + part_bytes), ...(last ? { piece: end } : {}) };
        }
      }
    },
  };
}

const target = (more = {}) => ({ slot: 'B' as const, device, journalFile, onProgress: () => {}, ...more });
const onDisk = (length: number) => readFileSync(device).subarray(0, length);

describe('a transfer', () => {
  test('leaves the bytes of the release in the slot, and nothing behind them is touched', async () => {
    writeFileSync(device, Buffer.alloc(PARTITION_BYTES, 0xee));
    await transferSlot(streamOf(SLOT), target());
    expect(onDisk(SLOT.length).equals(SLOT)).toBe(true);
    expect(
      readFileSync(device)
        .subarray(SLOT.length)
        .every((byte) => byte === 0xee),
    ).toBe(true);
    expect(() => readFileSync(journalFile)).toThrow('ENOENT');
  });

  test('does so however the stream is cut into parts', async () => {
    const lengths = fc.integer({ min: 1, max: 400_000 });
    await fc.assert(
      fc.asyncProperty(lengths, async (part_bytes) => {
        await transferSlot(streamOf(SLOT, { part_bytes: Math.max(part_bytes, 997) }), target());
        expect(onDisk(SLOT.length).equals(SLOT)).toBe(true);
      }),
      { numRuns: 12 },
    );
  });

  test.each([1, 5, 9, 10, 11])(
    'that breaks off before piece %i leaves no slot, and goes on behind what is journalled',
    async (stopAfter) => {
      await expect(transferSlot(streamOf(SLOT, { stopAfter }), target())).rejects.toThrow(
        'the power is gone',
      );
      expect(footerOffset(onDisk(512))).toBeUndefined();
      const seen: number[] = [];
      await transferSlot(streamOf(SLOT, { seen }), target());
      expect(onDisk(SLOT.length).equals(SLOT)).toBe(true);
      // A checkpoint at least each MiB: at most four pieces of 256 KiB come again.
      expect(seen[0]).toBeGreaterThanOrEqual(stopAfter - 4);
      expect(seen[0]).toBeLessThanOrEqual(stopAfter);
    },
  );

  test('repeats at most one MiB of what was fetched, wherever it breaks off', async () => {
    for (let stopAfter = 1; stopAfter <= 11; stopAfter += 1) {
      rmSync(journalFile, { force: true });
      const cost_bytes = 400 * 1024;
      await expect(transferSlot(streamOf(SLOT, { stopAfter, cost_bytes }), target())).rejects.toThrow(
        'power',
      );
      const seen: number[] = [];
      await transferSlot(streamOf(SLOT, { seen, cost_bytes }), target());
      expect((stopAfter - (seen[0] ?? 0)) * cost_bytes).toBeLessThanOrEqual(1024 * 1024);
    }
  });

  test('does not go on from what the disk no longer holds', async () => {
    await expect(transferSlot(streamOf(SLOT, { stopAfter: 9 }), target())).rejects.toThrow('power');
    const file = openSync(device, 'r+');
    writeSync(file, Buffer.alloc(4096, 1), 0, 4096, 5 * PIECE_BYTES);
    closeSync(file);
    const seen: number[] = [];
    await transferSlot(streamOf(SLOT, { seen }), target());
    expect(seen[0]).toBeLessThanOrEqual(5);
    expect(onDisk(SLOT.length).equals(SLOT)).toBe(true);
  });

  test('starts over when another bundle comes, or the journal is torn or foreign', async () => {
    const begin = () =>
      expect(transferSlot(streamOf(SLOT, { stopAfter: 9 }), target())).rejects.toThrow('power');
    for (const spoil of [
      () => {},
      () => writeFileSync(journalFile, ''),
      () => writeFileSync(journalFile, 'not json\n'),
      () => writeFileSync(journalFile, '{"format":2}\n'),
    ]) {
      await begin();
      spoil();
      const seen: number[] = [];
      await transferSlot(streamOf(SLOT, { seen, bundle: 'c'.repeat(64) }), target());
      expect(seen[0]).toBe(0);
      expect(onDisk(SLOT.length).equals(SLOT)).toBe(true);
    }
  });

  test('goes on from the checkpoint before a torn one', async () => {
    await expect(transferSlot(streamOf(SLOT, { stopAfter: 9 }), target())).rejects.toThrow('power');
    const text = readFileSync(journalFile, 'utf8');
    writeFileSync(journalFile, text.slice(0, -20));
    const seen: number[] = [];
    await transferSlot(streamOf(SLOT, { seen }), target());
    expect(seen[0]).toBe(8);
    expect(onDisk(SLOT.length).equals(SLOT)).toBe(true);
  });

  test.each([
    ['a flipped bit in the data', 300 * BLOCK_BYTES + 7, 'UPDATE_ROOT_HASH_MISMATCH'],
    ['a flipped bit in the first block', 100, 'UPDATE_ROOT_HASH_MISMATCH'],
    ['a flipped bit in the footer', -100, 'UPDATE_TAIL_MISMATCH'],
  ])('with %s is refused, leaves no slot and nothing to go on from', async (_, place, code) => {
    const bad = Uint8Array.from(SLOT);
    const at = place < 0 ? bad.length + place : place;
    bad[at] = (bad[at] ?? 0) ^ 1;
    const stream = { ...streamOf(bad.slice()), manifest: manifestOfSlot(SLOT) };
    await expect(transferSlot(stream, target())).rejects.toMatchObject({ code });
    expect(footerOffset(onDisk(512))).toBeUndefined();
    expect(() => readFileSync(journalFile)).toThrow('ENOENT');
  });

  test('that is too short or too long is refused', async () => {
    const whole = streamOf(SLOT);
    const short: TargetStream = {
      ...whole,
      async *parts(from) {
        for await (const part of whole.parts(from)) if (part.piece?.done !== 11) yield part;
      },
    };
    const long: TargetStream = {
      ...whole,
      bundle: 'c'.repeat(64),
      async *parts(from) {
        yield* whole.parts(from);
        yield { bytes: new Uint8Array(1) };
      },
    };
    await expect(transferSlot(short, target())).rejects.toMatchObject({ code: 'UPDATE_STREAM_TOO_SHORT' });
    await expect(transferSlot(long, target())).rejects.toMatchObject({ code: 'UPDATE_STREAM_TOO_LONG' });
    expect(footerOffset(onDisk(512))).toBeUndefined();
  });

  test.each([
    ['short', 11, 0],
    ['long', 0, 1],
  ])('that went on somewhere and came out too %s has nothing to go on from', async (_, missing, more) => {
    await expect(transferSlot(streamOf(SLOT, { stopAfter: 9 }), target())).rejects.toThrow('power');
    const whole = streamOf(SLOT);
    const wrong: TargetStream = {
      ...whole,
      async *parts(from) {
        for await (const part of whole.parts(from)) if (part.piece?.done !== missing) yield part;
        yield { bytes: new Uint8Array(more) };
      },
    };
    await expect(transferSlot(wrong, target())).rejects.toMatchObject({
      code: expect.stringMatching(/^UPDATE_STREAM_TOO_/),
    });
    expect(() => readFileSync(journalFile)).toThrow('ENOENT');
    const seen: number[] = [];
    await transferSlot(streamOf(SLOT, { seen }), target());
    expect(seen[0]).toBe(0);
    expect(onDisk(SLOT.length).equals(SLOT)).toBe(true);
  });

  test('of a slot that says something else of itself than was signed is refused', async () => {
    const manifest = { ...manifestOfSlot(SLOT), version: '2.0.1' };
    expect(parseFooter(SLOT.subarray(SLOT.length - 16 * 1024)).version).toBe('2.0.0');
    await expect(transferSlot({ ...streamOf(SLOT), manifest }, target())).rejects.toMatchObject({
      code: 'UPDATE_SLOT_INCOHERENT',
    });
  });

  test('that is told to stop journals where it is and goes on there', async () => {
    const stop = new AbortController();
    const seen: number[] = [];
    const stopAt5 = { ...target(), signal: stop.signal, onProgress: () => seen.length === 5 && stop.abort() };
    await expect(transferSlot(streamOf(SLOT, { seen }), stopAt5)).rejects.toMatchObject({
      code: 'UPDATE_STOPPED',
    });
    const again: number[] = [];
    await transferSlot(streamOf(SLOT, { seen: again }), target());
    expect(again[0]).toBe(5);
    expect(onDisk(SLOT.length).equals(SLOT)).toBe(true);
  });
});
