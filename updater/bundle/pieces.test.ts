import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PIECE_PAYLOAD_MAX_BYTES, PIECES_MAX, SLOT_MAX_BYTES } from '../limits.ts';
import { PIECE_ENTRY_BYTES, type Piece, parseIndex, serialiseIndex } from './pieces.ts';

const INVALID = expect.objectContaining({ code: 'BUNDLE_INDEX_INVALID' });
const piece = (payload_bytes: number, target_bytes: number): Piece => ({
  payload_bytes,
  target_bytes,
  sha256: new Uint8Array(32).fill(payload_bytes),
});
const sums = (pieces: readonly Piece[]): [number, number] => [
  pieces.reduce((sum, { payload_bytes }) => sum + payload_bytes, 0),
  pieces.reduce((sum, { target_bytes }) => sum + target_bytes, 0),
];

describe('an index', () => {
  test('gives its pieces back', () => {
    const pieces = fc.array(
      fc.record({
        payload_bytes: fc.integer({ min: 1, max: PIECE_PAYLOAD_MAX_BYTES }),
        target_bytes: fc.integer({ min: 1, max: SLOT_MAX_BYTES }),
        sha256: fc.uint8Array({ minLength: 32, maxLength: 32 }),
      }),
      { minLength: 1, maxLength: 50 },
    );
    fc.assert(
      fc.property(pieces, (list) => {
        const index = serialiseIndex(list);
        expect(index).toHaveLength(list.length * PIECE_ENTRY_BYTES);
        expect(parseIndex(index, ...sums(list))).toEqual(list);
      }),
    );
  });

  test.each<[string, readonly Piece[], number, number]>([
    ['no piece', [], 0, 0],
    ['a piece without a payload', [piece(0, 10), piece(5, 10)], 5, 20],
    ['a piece that yields nothing', [piece(5, 0), piece(5, 20)], 10, 20],
    ['a piece that is too long', [piece(PIECE_PAYLOAD_MAX_BYTES + 1, 10)], PIECE_PAYLOAD_MAX_BYTES + 1, 10],
    ['a piece that yields more than a slot', [piece(5, SLOT_MAX_BYTES + 1)], 5, SLOT_MAX_BYTES + 1],
    ['less than the payload', [piece(5, 10)], 6, 10],
    ['more than the payload', [piece(5, 10)], 4, 10],
    ['less than the slot', [piece(5, 10)], 5, 11],
    ['more than the slot', [piece(5, 10)], 5, 9],
    [
      'too many pieces',
      Array.from({ length: PIECES_MAX + 1 }, () => piece(1, 1)),
      PIECES_MAX + 1,
      PIECES_MAX + 1,
    ],
  ])('with %s is refused', (_, pieces, payload_bytes, target_bytes) => {
    expect(() => parseIndex(serialiseIndex(pieces), payload_bytes, target_bytes)).toThrow(INVALID);
  });

  test('that was cut is refused, wherever', () => {
    const pieces = [piece(1, 10), piece(2, 20)];
    const index = serialiseIndex(pieces);
    for (let length = 0; length < index.length; length++)
      expect(() => parseIndex(index.subarray(0, length), ...sums(pieces)), `${length} bytes`).toThrow(
        INVALID,
      );
  });
});
