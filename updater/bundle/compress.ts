import { PIECE_TARGET_BYTES } from '../limits.ts';
import { type ByteSource, readRange } from '../source.ts';

/** A piece as it goes into a payload. */
export interface EncodedPiece {
  payload: Uint8Array;
  target_bytes: number;
}

/**
 * The first bytes of a source in pieces of PIECE_TARGET_BYTES, the last one shorter, each a zstd frame of its own, in order.
 *
 * @param at_once pieces that are compressed at the same time: processors
 */
export async function* compressPieces(
  source: ByteSource,
  end_bytes: number,
  zstd_level: number,
  at_once: number,
): AsyncGenerator<EncodedPiece> {
  const ahead: Promise<EncodedPiece>[] = [];
  for (let at_bytes = 0; at_bytes < end_bytes; at_bytes += PIECE_TARGET_BYTES) {
    const data = await readRange(source, at_bytes, Math.min(end_bytes, at_bytes + PIECE_TARGET_BYTES));
    const piece = compressPiece(data, zstd_level);
    // Thrown where it is awaited; until then it must not count as nobody's.
    piece.catch(() => {});
    ahead.push(piece);
    const oldest = ahead.length >= at_once ? ahead.shift() : undefined;
    if (oldest) yield await oldest;
  }
  for (const left of ahead) yield await left;
}

async function compressPiece(data: Uint8Array, zstd_level: number): Promise<EncodedPiece> {
  return { payload: await Bun.zstdCompress(data, { level: zstd_level }), target_bytes: data.length };
}
