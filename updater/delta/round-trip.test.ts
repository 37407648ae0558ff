import fc from 'fast-check';
import { expect, test } from 'vitest';
import { PIECE_PAYLOAD_MAX_BYTES } from '../limits.ts';
import { decodePiece } from './decode.ts';
import { encodeDelta } from './encode.ts';
import { PART_MAX_BYTES } from './limits.ts';
import { cost, decoded, encoded, joined, memoryBlob, noise, numbers } from './test-blobs.ts';

const BLOCK = 4096;

/** What a release does to an image, as data. Places are fractions, so that they fit any length. */
const Edit = fc.oneof(
  fc.record({ kind: fc.constant('insert' as const), place: unit(), bytes: someBytes(600) }),
  fc.record({ kind: fc.constant('delete' as const), place: unit(), length: fc.nat(9000) }),
  fc.record({ kind: fc.constant('move' as const), place: unit(), length: fc.nat(9000), to: unit() }),
  fc.record({ kind: fc.constant('mutate' as const), place: unit(), bytes: someBytes(40) }),
  fc.record({ kind: fc.constant('scatter' as const), every: fc.integer({ min: 7, max: 900 }) }),
  fc.record({ kind: fc.constant('zero' as const), place: unit(), length: fc.nat(9000) }),
  fc.record({ kind: fc.constant('block' as const), place: unit() }),
);
type Edit = typeof Edit extends fc.Arbitrary<infer E> ? E : never;

function unit() {
  return fc.double({ min: 0, max: 1, noNaN: true });
}

function someBytes(length: number) {
  return fc.uint8Array({ minLength: 1, maxLength: length });
}

function edited(bytes: Uint8Array, edit: Edit): Uint8Array {
  const at = 'place' in edit ? Math.floor(edit.place * bytes.length) : 0;
  const copy = bytes.slice();
  switch (edit.kind) {
    case 'insert':
      return joined(bytes.subarray(0, at), edit.bytes, bytes.subarray(at));
    case 'delete':
      return joined(bytes.subarray(0, at), bytes.subarray(at + edit.length));
    case 'move': {
      const rest = joined(bytes.subarray(0, at), bytes.subarray(at + edit.length));
      const to = Math.floor(edit.to * rest.length);
      return joined(rest.subarray(0, to), bytes.subarray(at, at + edit.length), rest.subarray(to));
    }
    case 'mutate':
      copy.set(edit.bytes.subarray(0, bytes.length - at), at);
      return copy;
    case 'scatter':
      for (let place = 0; place < copy.length; place += edit.every) copy[place] = (copy[place] ?? 0) + 1;
      return copy;
    case 'zero':
      return copy.fill(0, at, at + edit.length);
    case 'block':
      return joined(bytes.subarray(0, at), new Uint8Array(BLOCK), bytes.subarray(at));
  }
}

/** Text, tables, zeros and noise next to each other, as in an image. */
function imageOf(parts: readonly number[]): Uint8Array {
  const words = 'function return const status update slot bundle signed 0x'.split(' ');
  return joined(
    ...parts.map((part, number) => {
      const next = numbers(`part ${part}`);
      const size = Math.floor(next() * 3 * BLOCK);
      if (part % 4 === 0) return new Uint8Array(size);
      if (part % 4 === 1) return noise(`noise ${part}`, size);
      if (part % 4 === 2) {
        const rows = new Uint32Array(size >> 2).map((_, row) =>
          row % 6 === 0 ? 4096 * number + row * 40 : row % 6,
        );
        return new Uint8Array(rows.buffer);
      }
      return new TextEncoder().encode(
        Array.from({ length: size >> 3 }, () => words[Math.floor(next() * words.length)]).join(' '),
      );
    }),
  );
}

const Image = fc.array(fc.nat(1000), { maxLength: 8 }).map(imageOf);

test('any target comes back from any base, whatever was edited', async () => {
  await fc.assert(
    fc.asyncProperty(
      Image,
      fc.array(Edit, { maxLength: 5 }),
      Image,
      fc.boolean(),
      async (base, edits, other, related) => {
        const target = related ? edits.reduce(edited, base) : other;
        const pieces = await encoded(base, target);
        expect(Buffer.compare(decoded(base, pieces), target)).toBe(0);
        const sum_bytes = pieces.reduce((sum, { target_bytes }) => sum + target_bytes, 0);
        expect(sum_bytes).toBe(target.length);
        for (const { payload, target_bytes } of pieces) {
          expect(target_bytes).toBeGreaterThan(0);
          expect(payload.length).toBeLessThanOrEqual(target_bytes + target_bytes / 16 + 64);
        }
      },
    ),
    { numRuns: 40, seed: 7 },
  );
}, 60_000);

test.each([
  ['nothing from nothing', 0, 0],
  ['nothing from something', 5000, 0],
  ['something from nothing', 0, 5000],
  ['one byte from one byte', 1, 1],
  ['more than the base', 3000, 9000],
  ['less than the base', 9000, 3000],
])('%s comes back', async (_, baseSize, targetSize) => {
  const base = noise('a', baseSize);
  for (const target of [noise('b', targetSize), noise('a', targetSize), new Uint8Array(targetSize)]) {
    const pieces = await encoded(base, target);
    expect(Buffer.compare(decoded(base, pieces), target)).toBe(0);
    expect(pieces.length).toBe(targetSize === 0 ? 0 : 1);
  }
});

test('the same images give the same bytes', async () => {
  const base = imageOf([1, 2, 3, 7, 6, 5]);
  const target = edited(edited(base, { kind: 'scatter', every: 91 }), {
    kind: 'delete',
    place: 0.3,
    length: 777,
  });
  const [one, two] = [await encoded(base, target), await encoded(base, target)];
  expect(one.length).toBeGreaterThan(0);
  expect(one).toEqual(two);
});

test('an image that did not change, or a block moved by blocks, costs a few dozen bytes', async () => {
  const base = noise('image', 2 ** 20);
  expect(await cost(base, base)).toBeLessThan(16);
  const moved = joined(
    base.subarray(0, 40 * BLOCK),
    base.subarray(50 * BLOCK),
    base.subarray(40 * BLOCK, 50 * BLOCK),
  );
  expect(await cost(base, moved)).toBeLessThan(40);
});

test('one piece covers a whole image with a small change', async () => {
  const base = noise('image', 24 * 2 ** 20);
  const target = base.slice();
  target.set(new TextEncoder().encode('a line that was changed'), 9_000_000);
  const pieces = await encoded(base, target);
  expect(pieces).toHaveLength(1);
  expect(pieces[0]?.payload.length).toBeLessThan(60);
  expect(Buffer.compare(decoded(base, pieces), target)).toBe(0);
});

test('what cannot be compressed comes in pieces that fit, hardly longer than it is', async () => {
  const target = noise('new', 6 * 2 ** 20);
  const pieces = await encoded(noise('old', 2 ** 16), target);
  expect(pieces.length).toBeGreaterThanOrEqual(7);
  for (const { payload } of pieces) expect(payload.length).toBeLessThanOrEqual(PIECE_PAYLOAD_MAX_BYTES);
  expect(pieces.reduce((sum, { payload }) => sum + payload.length, 0)).toBeLessThan(target.length * 1.001);
  expect(Buffer.compare(decoded(noise('old', 2 ** 16), pieces), target)).toBe(0);
}, 60_000);

test('pieces are decoded one without the other, in any order', async () => {
  const base = noise('old', 2 ** 16);
  const target = joined(
    base,
    noise('new', 3 * 2 ** 19),
    base,
    noise('newer', 3 * 2 ** 19),
    base.subarray(100),
  );
  const pieces = await encoded(base, target);
  expect(pieces.length).toBeGreaterThan(2);
  const ends = pieces.map((_, number) =>
    pieces.slice(0, number + 1).reduce((sum, { target_bytes }) => sum + target_bytes, 0),
  );
  for (const number of [...pieces.keys()].reverse()) {
    const piece = pieces[number];
    const end = ends[number] ?? 0;
    if (!piece) continue;
    expect(Buffer.compare(decoded(base, [piece]), target.subarray(end - piece.target_bytes, end))).toBe(0);
  }
}, 60_000);

test('pieces that are decoded at the same time do not disturb each other', async () => {
  const base = joined(noise('image', 2 ** 19), new TextEncoder().encode('return status; '.repeat(5000)));
  const targets = [7, 300].map((every) => edited(base, { kind: 'scatter', every }));
  const parts = await Promise.all(
    targets.map(async (target) => {
      const [piece] = await encoded(base, target);
      if (!piece) throw new Error('no piece');
      return decodePiece(piece.payload, memoryBlob(base), piece.target_bytes);
    }),
  );
  const back: Uint8Array[][] = [[], []];
  for (let round = 0; round < 32; round += 1) {
    for (const [which, part] of parts.entries()) {
      const next = part.next();
      if (!next.done) back[which]?.push(next.value.slice());
    }
  }
  for (const [which, target] of targets.entries())
    expect(Buffer.compare(joined(...(back[which] ?? [])), target)).toBe(0);
});

test('parts are of bounded length and say nothing twice', async () => {
  const base = noise('image', 3 * 2 ** 20);
  const [piece] = await encoded(base, base);
  if (!piece) throw new Error('no piece');
  const sizes = Array.from(
    decodePiece(piece.payload, memoryBlob(base), piece.target_bytes),
    (part) => part.length,
  );
  expect(Math.max(...sizes)).toBeLessThanOrEqual(PART_MAX_BYTES);
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(base.length);
});

test('progress counts both steps up to the end', async () => {
  const seen: string[] = [];
  const base = noise('image', 10 * 2 ** 20);
  const onProgress = ({
    step,
    done_bytes,
    total_bytes,
  }: {
    step: string;
    done_bytes: number;
    total_bytes: number;
  }) => {
    expect(total_bytes).toBe(base.length);
    seen.push(`${step} ${done_bytes}`);
  };
  for await (const _ of encodeDelta(memoryBlob(base), memoryBlob(base), { onProgress }));
  expect(seen.at(0)).toBe('compare 0');
  expect(seen.at(-1)).toBe(`encode ${base.length}`);
});
