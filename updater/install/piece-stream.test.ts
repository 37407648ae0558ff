import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { Piece } from '../bundle/pieces.ts';
import type { ByteSource } from '../source.ts';
import { readPieces, unpackPieces } from './piece-stream.ts';

const TARGETS = [50_000, 1, 20_000, 70_000].map((length, seed) =>
  Uint8Array.from({ length }, (_, at) => (at * (seed + 3) + (at >> 5)) % 256),
);
const PAYLOADS = TARGETS.map((bytes) => Bun.zstdCompressSync(bytes));
const FILE = new Uint8Array(Buffer.concat(PAYLOADS));
const PIECES: Piece[] = PAYLOADS.map((payload, number) => ({
  payload_bytes: payload.length,
  target_bytes: TARGETS[number]?.length ?? 0,
  sha256: createHash('sha256').update(payload).digest(),
}));

/** Gives out arrays of their own, as a file and a connection do, and looks at each once more when it is asked for the next. */
function lookingBack(part_bytes: number): ByteSource & { seen_bytes: number } {
  const source = {
    name: 'looking back',
    seen_bytes: 0,
    size_bytes: async () => FILE.length,
    async *read(start_bytes: number, end_bytes: number) {
      for (let at = start_bytes; at < end_bytes; at += part_bytes) {
        const part = FILE.slice(at, Math.min(end_bytes, at + part_bytes));
        yield part;
        source.seen_bytes += part.length;
      }
    },
    close: async () => {},
  };
  return source;
}

describe('pieces are read', () => {
  test.each([1, 100, 4096, 1_000_000])(
    'in parts of %i bytes, each still whole when its source looks back',
    async (size) => {
      const source = lookingBack(size);
      const found: Uint8Array[] = [];
      for await (const { data } of unpackPieces(readPieces(source, 0, PIECES, 0)))
        found.push(Uint8Array.from(data));
      expect(found).toEqual(TARGETS);
      expect(source.seen_bytes).toBe(FILE.length);
    },
  );

  test('from any piece on', async () => {
    const numbers: number[] = [];
    for await (const { number } of readPieces(lookingBack(512), 0, PIECES, 2)) numbers.push(number);
    expect(numbers).toEqual([2, 3]);
  });

  test('and one stays as it is while the next is filled', async () => {
    let last: { payload: Uint8Array; number: number } | undefined;
    for await (const piece of readPieces(lookingBack(512), 0, PIECES, 0)) {
      if (last) expect(Buffer.compare(last.payload, PAYLOADS[last.number] ?? new Uint8Array())).toBe(0);
      last = piece;
    }
    expect(last?.number).toBe(3);
  });
});
