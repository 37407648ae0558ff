import { randomFillSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { BLOCK_BYTES, FOOTER_BYTES, parseFooter } from '../../partitions/slot-blob.ts';
import { codeOf, sameBytes } from '../fetch/lab/lab.ts';
import type { ByteSource } from '../source.ts';
import { makeSyntheticSlot } from '../testing/synthetic-slot.ts';
import { openBaseSlot } from './base-slot.ts';
import { blockStream } from './block-stream.ts';
import {
  baseOf,
  fileOf,
  packedFileOf,
  piecesOf,
  planFor,
  slotOf,
  slotOfData,
  streamed,
} from './lab/block-lab.ts';
import { GROUP_BLOCKS, GROUP_BYTES, REQUEST_MAX_BYTES } from './limits.ts';
import { sumRuns } from './runs.ts';

const folder = mkdtempSync(join(tmpdir(), 'bulkhead-blocks-'));
afterAll(() => rmSync(folder, { recursive: true }));

const numbers = (count: number, first = 1) => Array.from({ length: count }, (_, at) => first + at);
/** Blocks that do not shrink. */
const noise = (count: number) => randomFillSync(new Uint8Array(count * BLOCK_BYTES));
const old = slotOf(numbers(700));
/** One block changed, one moved, ten inserted, the end cut off. */
const next = slotOf([
  ...numbers(100),
  9_001,
  ...numbers(200, 102),
  5,
  ...numbers(10, 9_100),
  ...numbers(290, 303),
]);

/** Lists of numbers as block contents, and the edits of a release: cut, insert, move, replace, repeat. */
const baseNumbers = fc.array(fc.nat({ max: 400 }), { minLength: 1, maxLength: 400 });
const edit = fc.record({
  kind: fc.constantFrom('replace', 'insert', 'cut', 'move', 'repeat'),
  at: fc.nat({ max: 400 }),
  count: fc.integer({ min: 1, max: 150 }),
  to: fc.nat({ max: 400 }),
});
function edited(
  list: readonly number[],
  edits: readonly { kind: string; at: number; count: number; to: number }[],
) {
  let now = [...list];
  let fresh = 1_000;
  for (const { kind, at, count, to } of edits) {
    const part = now.slice(at, at + count);
    if (kind === 'replace')
      now = now.map((number, place) => (place >= at && place < at + count ? fresh++ : number));
    if (kind === 'insert') now.splice(at, 0, ...Array.from({ length: count }, () => fresh++));
    if (kind === 'cut' || kind === 'move') now.splice(at, count);
    if (kind === 'move' || kind === 'repeat') now.splice(to, 0, ...part);
  }
  return now.length === 0 ? [1] : now;
}

describe('the stream is the data area of the target', () => {
  test('for any base and any target, from a file of blocks or from pieces', async () => {
    await fc.assert(
      fc.asyncProperty(
        baseNumbers,
        fc.array(edit, { maxLength: 4 }),
        fc.boolean(),
        async (list, edits, filed) => {
          const base = baseOf(slotOf(list));
          const target = slotOf(edited(list, edits));
          const { plan } = await planFor(target, base);
          const from = filed ? await fileOf(target.data) : { readPiece: piecesOf(target.data).readPiece };
          expect(sameBytes(await streamed(plan, { base, from }), target.data)).toBe(true);
          expect(plan.copied + plan.moved + plan.fetch_blocks).toBe(target.data.length / BLOCK_BYTES);
        },
      ),
      { numRuns: 60 },
    );
  });

  test('for any damage to the base, whose blocks are then fetched', async () => {
    const place = fc.nat({ max: old.data.length + BLOCK_BYTES + old.tree.length - 1 });
    await fc.assert(
      fc.asyncProperty(
        fc.array(place, { maxLength: 12 }),
        fc.array(place, { maxLength: 3 }),
        async (flips, holes) => {
          const base = baseOf(old, (start, end) => holes.some((hole) => hole >= start && hole < end));
          for (const at of flips) base.image[at] = (base.image[at] ?? 0) ^ 1;
          const { plan } = await planFor(next, base);
          const from = await fileOf(next.data);
          expect(sameBytes(await streamed(plan, { base, from }), next.data)).toBe(true);
        },
      ),
      { numRuns: 40 },
    );
  });

  test('from any group on, fetching nothing of those before', async () => {
    const base = baseOf(old);
    const { plan } = await planFor(next, base);
    const groups = Math.ceil(next.data.length / GROUP_BYTES);
    for (let from_group = 0; from_group <= groups; from_group += 1) {
      const source = packedFileOf(next.data);
      const from = await fileOf(next.data, source);
      await from.blocks.lookUp(numbers(groups, 0));
      const known_bytes = source.total_bytes;
      const rest = await streamed(plan, { base, from, from_group });
      expect(sameBytes(rest, next.data.subarray(from_group * GROUP_BYTES))).toBe(true);
      const wanted = plan.fetch_numbers.filter((block) => block >= from_group * GROUP_BLOCKS);
      expect(source.total_bytes - known_bytes).toBe(sumRuns(await from.blocks.runsOf(wanted)));
    }
  });

  test('in parts of one group, the last one shorter', async () => {
    const base = baseOf(old);
    const { plan } = await planFor(next, base);
    const lengths: number[] = [];
    for await (const part of blockStream(plan, { base, from: await fileOf(next.data) }))
      lengths.push(part.length);
    expect(lengths.slice(0, -1).every((length) => length === GROUP_BYTES)).toBe(true);
    expect(lengths.at(-1)).toBe(next.data.length % GROUP_BYTES);
  });

  test('without a base, and of a single block', async () => {
    for (const target of [next, slotOf([42]), slotOf(numbers(GROUP_BLOCKS))]) {
      const { plan } = await planFor(target);
      expect(sameBytes(await streamed(plan, { from: await fileOf(target.data) }), target.data)).toBe(true);
    }
  });

  test('between the slots of two releases, the running one on a disk', async () => {
    const options = { blocks: 300, seed: 7, version: '1.0.0' };
    const path = join(folder, 'slot');
    writeFileSync(path, makeSyntheticSlot(options));
    const change = (data: Uint8Array) => data.fill(9, 200_000, 200_100);
    const blob = makeSyntheticSlot({ ...options, version: '1.0.1', mutate: change });
    const { data_bytes, verity } = parseFooter(blob.subarray(blob.length - FOOTER_BYTES));
    const tree = blob.subarray(data_bytes + BLOCK_BYTES, blob.length - FOOTER_BYTES);
    const base = await openBaseSlot(path, data_bytes);
    const { plan } = await planFor({ tree, target: { data_bytes, ...verity } }, base);
    expect(plan).toMatchObject({ copied: 299, fetch_blocks: 1 });
    const data = blob.subarray(0, data_bytes);
    const bytes = await streamed(plan, { base, from: await fileOf(data) });
    await base.close();
    expect(sameBytes(bytes, data)).toBe(true);
  });
});

describe('a base that rots', () => {
  test('costs exactly the blocks that are damaged, each of them told', async () => {
    const base = baseOf(old);
    const target = slotOf(numbers(700));
    const { plan } = await planFor(target, base);
    expect(plan.fetch_blocks).toBe(0);
    for (const block of [0, 300, 301, 699]) base.image[block * BLOCK_BYTES + 17] = 1;
    const source = packedFileOf(target.data);
    const from = await fileOf(target.data, source);
    await from.blocks.lookUp([0, 2, 5]);
    const known_bytes = source.total_bytes;
    const rotten: number[] = [];
    const bytes = await streamed(plan, { base, from, onRotten: (block) => rotten.push(block) });
    expect(sameBytes(bytes, target.data)).toBe(true);
    expect(rotten).toEqual([0, 300, 301, 699]);
    const stored_bytes = [0, 300, 301, 699].map((block) => sumRuns([from.blocks.placeOf(block)]));
    expect(source.total_bytes - known_bytes).toBe(stored_bytes.reduce((sum, bytes) => sum + bytes, 0));
  });

  test('with a sector that cannot be read costs that block alone', async () => {
    const at = 300 * BLOCK_BYTES;
    const base = baseOf(old, (start, end) => start <= at && end > at);
    const target = slotOf(numbers(700));
    const { plan } = await planFor(target, base);
    const rotten: number[] = [];
    const options = {
      base,
      from: await fileOf(target.data),
      onRotten: (block: number) => rotten.push(block),
    };
    expect(sameBytes(await streamed(plan, options), target.data)).toBe(true);
    expect(rotten).toEqual([300]);
  });

  test('in data and tree alike is fetched from both', async () => {
    const base = baseOf(old);
    const target = slotOf(numbers(700));
    const { plan, treeSource } = await planFor(target, base);
    expect(treeSource.requests).toBe(0);
    base.image[5 * BLOCK_BYTES] = 0x77;
    base.image.fill(0, old.data.length + BLOCK_BYTES);
    const bytes = await streamed(plan, { base, from: await fileOf(target.data) });
    expect(sameBytes(bytes, target.data)).toBe(true);
    expect(treeSource).toEqual({ requests: 1, bytes: BLOCK_BYTES });
  });

  test('where a block was to be moved from is told by the number it has there', async () => {
    const base = baseOf(old);
    const target = slotOf([...numbers(690), 5]);
    const { plan } = await planFor(target, base);
    expect(plan.moved).toBe(1);
    base.image[4 * BLOCK_BYTES] = 0x77;
    const rotten: number[] = [];
    const options = { base, from: piecesOf(target.data), onRotten: (block: number) => rotten.push(block) };
    expect(sameBytes(await streamed(plan, options), target.data)).toBe(true);
    // Once for its own place, once for where it was copied to.
    expect(rotten).toEqual([4, 4]);
  });
});

describe('what is fetched', () => {
  test('and is wrong is refused, the group named, nothing of it given out', async () => {
    const base = baseOf(old);
    const { plan } = await planFor(next, base);
    const wrong = next.data.slice();
    wrong[100 * BLOCK_BYTES + 1_000] = 0xee;
    wrong[310 * BLOCK_BYTES] = 0xee;
    let given_bytes = 0;
    const rotten: number[] = [];
    const options = {
      base,
      from: await fileOf(wrong),
      onRotten: (block: number) => rotten.push(block),
    };
    const reading = (async () => {
      for await (const part of blockStream(plan, options)) given_bytes += part.length;
    })();
    await expect(reading).rejects.toThrow(/^block 100 in group 0 was fetched and is not/);
    expect(given_bytes).toBe(0);
    expect(rotten).toEqual([]);
    expect(await codeOf(streamed(plan, { base, from: piecesOf(wrong) }))).toBe('BLOCKS_MISMATCH');
    const second = streamed(plan, { base, from: await fileOf(wrong), from_group: 1 });
    await expect(second).rejects.toThrow(/^block 310 in group 2 /);
  });

  test('instead of a rotten block and is wrong is refused', async () => {
    const base = baseOf(old);
    const { plan } = await planFor(old, base);
    base.image[0] = 0x77;
    const from = await fileOf(next.data.fill(7).slice());
    expect(await codeOf(streamed(plan, { base, from }))).toBe('BLOCKS_MISMATCH');
  });

  test('of pieces that are too short is refused', async () => {
    const { plan } = await planFor(old);
    const readPiece = async () => new Uint8Array(100);
    expect(await codeOf(streamed(plan, { from: { readPiece } }))).toBe('BLOCKS_MISMATCH');
  });

  test('comes in requests of bounded length, at most two at a time, one of them asked for ahead', async () => {
    const target = slotOfData(noise(2_000));
    const { plan } = await planFor(target);
    const file = packedFileOf(target.data);
    let going = 0;
    let most = 0;
    let asked_bytes = 0;
    const watched: ByteSource = {
      ...file,
      async *read(start_bytes, end_bytes) {
        going += 1;
        most = Math.max(most, going);
        asked_bytes += end_bytes - start_bytes;
        yield* file.read(start_bytes, end_bytes);
        going -= 1;
      },
    };
    const from = await fileOf(target.data, watched);
    await from.blocks.lookUp(numbers(16, 0));
    asked_bytes = 0;
    let given_bytes = 0;
    let ahead_bytes = 0;
    for await (const part of blockStream(plan, { from })) {
      given_bytes += part.length;
      await new Promise((done) => setTimeout(done, 1));
      ahead_bytes = Math.max(ahead_bytes, asked_bytes - given_bytes);
    }
    expect(file.largest_bytes).toBe(REQUEST_MAX_BYTES);
    expect(most).toBe(1);
    expect(ahead_bytes).toBeGreaterThan(0);
    expect(ahead_bytes).toBeLessThanOrEqual(2 * REQUEST_MAX_BYTES);
  });

  test('ends when the loop is left, also what was asked for ahead', async () => {
    const target = slotOfData(noise(2_000));
    const { plan } = await planFor(target);
    let parts = 0;
    const file = packedFileOf(target.data);
    const slow: ByteSource = {
      ...file,
      async *read(start_bytes, end_bytes) {
        for await (const part of file.read(start_bytes, end_bytes)) {
          parts += 1;
          await new Promise((done) => setTimeout(done, 2));
          yield part;
        }
      },
    };
    const from = await fileOf(target.data, slow);
    for await (const part of blockStream(plan, { from })) if (part.length > 0) break;
    const parts_then = parts;
    await new Promise((done) => setTimeout(done, 40));
    expect(parts).toBeLessThanOrEqual(parts_then + 1);
  });

  test('from pieces is each piece once', async () => {
    const base = baseOf(slotOf(numbers(2_000)));
    const target = slotOf(numbers(2_000).map((number) => (number % 100 < 3 ? number + 50_000 : number)));
    const { plan } = await planFor(target, base);
    const pieces = piecesOf(target.data);
    expect(sameBytes(await streamed(plan, { base, from: pieces }), target.data)).toBe(true);
    expect(pieces.read).toEqual([...plan.fetch_pieces]);
  });

  test('fails with what the source failed with', async () => {
    const { plan } = await planFor(next);
    let pulled = false;
    const file = packedFileOf(next.data);
    const failing: ByteSource = {
      ...file,
      async *read(start_bytes, end_bytes) {
        if (pulled) throw new Error('the cable was pulled');
        yield* file.read(start_bytes, end_bytes);
      },
    };
    const from = await fileOf(next.data, failing);
    pulled = true;
    await expect(streamed(plan, { from })).rejects.toThrow('the cable was pulled');
  });
});

test('a base that is not there is an error with a code', async () => {
  expect(await codeOf(openBaseSlot(join(folder, 'none'), BLOCK_BYTES))).toBe('BLOCKS_BASE_UNREADABLE');
});
