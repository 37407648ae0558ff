import type { Piece } from '../bundle/pieces.ts';
import { BATCH_MAX_BYTES } from '../limits.ts';

/** Pieces that lie one behind the other and are asked for at once. */
export interface PieceBatch {
  first: number;
  /** Number of the piece behind the last. */
  end: number;
  /** Where they lie, from the start of the payload. */
  start_bytes: number;
  bytes: number;
}

/**
 * All pieces from one on, in batches.
 *
 * @param most_bytes of a batch of more than one piece
 */
export function batchesOf(
  pieces: readonly Piece[],
  from_piece: number,
  most_bytes = BATCH_MAX_BYTES,
): PieceBatch[] {
  const batches: PieceBatch[] = [];
  let start_bytes = 0;
  for (const [number, { payload_bytes }] of pieces.entries()) {
    if (number >= from_piece) {
      const last = batches.at(-1);
      if (last && last.bytes + payload_bytes <= most_bytes) {
        last.end = number + 1;
        last.bytes += payload_bytes;
      } else batches.push({ first: number, end: number + 1, start_bytes, bytes: payload_bytes });
    }
    start_bytes += payload_bytes;
  }
  return batches;
}
