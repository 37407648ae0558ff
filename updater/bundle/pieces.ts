import { BulkheadError } from '../../base/errors.ts';
import { PIECE_PAYLOAD_MAX_BYTES, PIECES_MAX, SLOT_MAX_BYTES } from '../limits.ts';

/**
 * The `index` section: one entry a piece, in the order of the target stream.
 *
 * ```
 * 0    payload_bytes   32 bits, little-endian: length of the piece in the `payload` section
 * 4    target_bytes    64 bits, little-endian: bytes of the target stream that it yields
 * 12   sha256          32 bytes, of the piece as it lies in the payload
 * ```
 *
 * A piece is verified by its digest before a byte of it is decompressed.
 */
export const PIECE_ENTRY_BYTES = 44;

export interface Piece {
  payload_bytes: number;
  target_bytes: number;
  sha256: Uint8Array;
}

export function serialiseIndex(pieces: readonly Piece[]): Uint8Array {
  const index = Buffer.alloc(pieces.length * PIECE_ENTRY_BYTES);
  for (const [number, piece] of pieces.entries()) {
    const at = number * PIECE_ENTRY_BYTES;
    index.writeUInt32LE(piece.payload_bytes, at);
    index.writeBigUInt64LE(BigInt(piece.target_bytes), at + 4);
    index.set(piece.sha256, at + 12);
  }
  return index;
}

/**
 * @param payload_bytes length of the payload section, which the pieces must fill
 * @param target_bytes length of the target stream, which the pieces must yield
 * @throws BulkheadError BUNDLE_INDEX_INVALID
 */
export function parseIndex(bytes: Uint8Array, payload_bytes: number, target_bytes: number): Piece[] {
  const invalid = (why: string) =>
    new BulkheadError('BUNDLE_INDEX_INVALID', `the index of the bundle is invalid: ${why}`);
  const count = bytes.length / PIECE_ENTRY_BYTES;
  if (!Number.isInteger(count) || count < 1 || count > PIECES_MAX)
    throw invalid(`${bytes.length} bytes are not 1 to ${PIECES_MAX} entries of ${PIECE_ENTRY_BYTES}`);
  const index = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const pieces: Piece[] = [];
  let payloadSum_bytes = 0;
  let targetSum_bytes = 0;
  for (let at = 0; at < index.length; at += PIECE_ENTRY_BYTES) {
    const piece = {
      payload_bytes: index.readUInt32LE(at),
      target_bytes: Number(index.readBigUInt64LE(at + 4)),
      sha256: Uint8Array.from(index.subarray(at + 12, at + PIECE_ENTRY_BYTES)),
    };
    if (piece.payload_bytes < 1 || piece.payload_bytes > PIECE_PAYLOAD_MAX_BYTES)
      throw invalid(`piece ${pieces.length} has ${piece.payload_bytes} bytes`);
    if (piece.target_bytes < 1 || piece.target_bytes > SLOT_MAX_BYTES)
      throw invalid(`piece ${pieces.length} yields ${piece.target_bytes} bytes`);
    payloadSum_bytes += piece.payload_bytes;
    targetSum_bytes += piece.target_bytes;
    pieces.push(piece);
  }
  if (payloadSum_bytes !== payload_bytes)
    throw invalid(`its pieces have ${payloadSum_bytes} bytes, the payload ${payload_bytes}`);
  if (targetSum_bytes !== target_bytes)
    throw invalid(`its pieces yield ${targetSum_bytes} bytes, the slot needs ${target_bytes}`);
  return pieces;
}
