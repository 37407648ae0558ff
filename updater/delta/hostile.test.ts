import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BulkheadError } from '../../base/errors.ts';
import { SLOT_MAX_BYTES } from '../limits.ts';
import { BitWriter } from './bit-coder.ts';
import type { BlobReader } from './blob-reader.ts';
import { decodePiece } from './decode.ts';
import { TOKENS_MAX } from './limits.ts';
import { ModelMemory } from './model-memory.ts';
import { CHANGED, FRESH, JUMP, PIECE_FORMAT, PieceModel, RUN } from './piece-model.ts';
import { encoded, joined, memoryBlob, noise } from './test-blobs.ts';

/** The payload was verified by its digest before; nothing in the decoder may rely on that. */

const base = joined(noise('base', 20_000), new Uint8Array(5000), noise('more', 5000));
const target = joined(
  base.subarray(0, 9000),
  noise('new', 900),
  base.subarray(9100, 20_000),
  base.subarray(2000, 4000),
);
const [piece = { payload: new Uint8Array(), target_bytes: 0 }] = await encoded(base, target);

/** How a piece ends: with so many bytes, or refused with these words. Any other error fails the test. */
function outcome(payload: Uint8Array, target_bytes: number, blob: BlobReader = memoryBlob(base)) {
  let yielded_bytes = 0;
  try {
    for (const part of decodePiece(payload, blob, target_bytes)) yielded_bytes += part.length;
    return yielded_bytes;
  } catch (error) {
    if (!(error instanceof BulkheadError)) throw error;
    expect(error.code).toBe('DELTA_PIECE_INVALID');
    expect(yielded_bytes).toBeLessThanOrEqual(target_bytes);
    return error.message;
  }
}

test('a damaged piece yields exactly what was promised or is refused', () => {
  expect(outcome(piece.payload, target.length)).toBe(target.length);
  const flip = fc.tuple(fc.nat(piece.payload.length - 1), fc.integer({ min: 1, max: 255 }));
  let refused = 0;
  fc.assert(
    fc.property(fc.array(flip, { minLength: 1, maxLength: 4 }), (flips) => {
      const damaged = piece.payload.slice();
      for (const [place, change] of flips) damaged[place] = (damaged[place] ?? 0) ^ change;
      const ended = outcome(damaged, target.length);
      if (typeof ended === 'number') expect(ended).toBe(target.length);
      else refused += 1;
    }),
    { numRuns: 150, seed: 11 },
  );
  expect(refused).toBeGreaterThan(10);
}, 60_000);

test('random bytes yield exactly what was asked for or are refused', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.integer({ min: 1, max: 200_000 }), (bytes, wanted) => {
      const ended = outcome(joined(Uint8Array.of(PIECE_FORMAT), bytes), wanted);
      if (typeof ended === 'number') expect(ended).toBe(wanted);
    }),
    { numRuns: 150, seed: 12 },
  );
}, 60_000);

test('a piece that is cut, longer or of another format is refused', () => {
  const { payload } = piece;
  expect(outcome(payload.subarray(0, 0), target.length)).toMatch('format is missing');
  for (const length of [1, payload.length >> 1, payload.length - 8])
    expect(outcome(payload.subarray(0, length), target.length)).toMatch('invalid');
  expect(outcome(joined(payload, noise('tail', 9)), target.length)).toMatch('goes on after its end');
  const foreign = joined(Uint8Array.of(PIECE_FORMAT + 1), payload.subarray(1));
  expect(outcome(foreign, target.length)).toMatch(`format is ${PIECE_FORMAT + 1}`);
});

test('a piece that yields less or more than the index says is refused', () => {
  for (const wrong of [1, target.length - 1, target.length + 1, SLOT_MAX_BYTES])
    expect(outcome(piece.payload, wrong), `${wrong}`).toMatch('invalid');
});

/** One token and what stands in front of its bytes. */
type Token = (model: PieceModel) => void;
const jump =
  (from: number): Token =>
  (model) => {
    model.token(JUMP);
    model.jump(0, 0, from);
  };
const run =
  (length: number): Token =>
  (model) => {
    model.token(RUN);
    model.runLength(length);
  };
const changed =
  (length: number): Token =>
  (model) => {
    model.token(CHANGED);
    model.changedLength(length);
  };
const fresh =
  (length: number): Token =>
  (model) => {
    model.token(FRESH);
    model.freshLength(length);
    model.freshRaw(true);
  };

/** A piece of these tokens, written by the real model. */
function forged(...tokens: readonly Token[]): Uint8Array {
  const writer = new BitWriter();
  const model = new PieceModel(writer, base.length, ModelMemory.take());
  for (const token of tokens) token(model);
  return joined(Uint8Array.of(PIECE_FORMAT), writer.finish());
}

test('a forged piece is understood, so that what is refused below is refused for its reason', () => {
  expect(outcome(forged(run(100), jump(7), run(50)), 150)).toBe(150);
});

test.each([
  ['a run over the end', [run(base.length + 1)], 'copies 30001 bytes from 0'],
  ['a jump behind the end', [jump(base.length), run(1)], 'jumps to 30000'],
  ['a jump in front of the beginning', [jump(-1), run(1)], 'jumps to -1'],
  ['a jump out of all proportion', [jump(2 ** 51), run(1)], 'jumps to 2251799813685248'],
  ['a run over the end after a jump', [jump(base.length - 5), run(6)], 'copies 6 bytes from 29995'],
  ['changed bytes over the end', [jump(base.length - 5), changed(6)], 'copies 6 bytes from 29995'],
  ['a jump behind a jump', [jump(5), jump(9)], 'jumps for nothing'],
  ['a jump in front of new bytes', [jump(5), fresh(1)], 'jumps for nothing'],
  ['more than was promised', [run(20_000), run(10_000), fresh(970_001)], 'yields more than 1000000 bytes'],
] as const)('%s is refused and nothing outside of the base is read', (_, tokens, words) => {
  expect(outcome(forged(...tokens), 1_000_000)).toMatch(words);
});

test('a bomb is refused before it yields anything', () => {
  const endless = memoryBlob(new Uint8Array());
  const large = { ...endless, size_bytes: SLOT_MAX_BYTES };
  for (const bomb of [fresh(2 ** 33), changed(2 ** 33)])
    expect(outcome(forged(bomb), SLOT_MAX_BYTES, large)).toMatch('codes more than');
});

test('tokens without end are refused', () => {
  const large = noise('base', TOKENS_MAX + 2);
  const writer = new BitWriter();
  const model = new PieceModel(writer, large.length, ModelMemory.take());
  for (let count = 0; count <= TOKENS_MAX; count += 1) run(1)(model);
  const payload = joined(Uint8Array.of(PIECE_FORMAT), writer.finish());
  expect(outcome(payload, large.length, memoryBlob(large))).toMatch('more than 262144 tokens');
}, 60_000);
