import { createHash } from 'node:crypto';
import { BulkheadError } from '../../base/errors.ts';
import type { Piece } from '../bundle/pieces.ts';
import type { ByteSource } from '../source.ts';
import { freeSpent } from './spent-buffer.ts';

/** One piece as it came, its digest compared. */
export interface VerifiedPiece {
  number: number;
  /** Stays as it is until the piece after the next one is asked for. */
  payload: Uint8Array;
  target_bytes: number;
}

/**
 * Reads pieces in order from where they lie, each verified before anybody sees it. One transfer for all of them.
 *
 * @param payloadStart_bytes of the payload section in the source
 * @throws BulkheadError UPDATE_PIECE_DAMAGED; what the source throws
 */
export async function* readPieces(
  source: ByteSource,
  payloadStart_bytes: number,
  pieces: readonly Piece[],
  from_piece: number,
): AsyncGenerator<VerifiedPiece> {
  const sum = (list: readonly Piece[]) => list.reduce((bytes, piece) => bytes + piece.payload_bytes, 0);
  const start_bytes = payloadStart_bytes + sum(pieces.slice(0, from_piece));
  const end_bytes = payloadStart_bytes + sum(pieces);
  if (start_bytes === end_bytes) return;
  let number = from_piece;
  let piece = pieces[number];
  // One is filled while what was in the other is decompressed. The same two for all pieces: arrays of every length, made
  // and left a hundred times, are memory that nobody gets back.
  const longest_bytes = pieces
    .slice(from_piece)
    .reduce((most, { payload_bytes }) => Math.max(most, payload_bytes), 0);
  let [buffer, spare] = [new Uint8Array(longest_bytes), new Uint8Array(longest_bytes)];
  let payload = buffer.subarray(0, piece?.payload_bytes);
  let filled_bytes = 0;
  let spent: Uint8Array | undefined;
  for await (const part of source.read(start_bytes, end_bytes)) {
    // Not before: a source may still look at what it gave out when it is asked for more.
    if (spent) freeSpent(spent);
    spent = part;
    let taken_bytes = 0;
    while (piece && taken_bytes < part.length) {
      const some = part.subarray(taken_bytes, taken_bytes + payload.length - filled_bytes);
      payload.set(some, filled_bytes);
      filled_bytes += some.length;
      taken_bytes += some.length;
      if (filled_bytes < payload.length) continue;
      checkPiece(source, number, piece, payload);
      yield { number, payload, target_bytes: piece.target_bytes };
      number += 1;
      piece = pieces[number];
      [buffer, spare] = [spare, buffer];
      payload = buffer.subarray(0, piece?.payload_bytes);
      filled_bytes = 0;
    }
  }
}

function checkPiece(source: ByteSource, number: number, piece: Piece, payload: Uint8Array): void {
  const found = createHash('sha256').update(payload).digest();
  if (found.equals(piece.sha256)) return;
  throw new BulkheadError(
    'UPDATE_PIECE_DAMAGED',
    `piece ${number} of ${source.name} does not have the digest that was signed`,
    { hint: 'the file on the server is damaged or was exchanged; publish it again' },
  );
}

/**
 * Decompresses the pieces of a full bundle, the next one already while the last is written.
 *
 * @throws BulkheadError UPDATE_PIECE_LENGTH
 */
export async function* unpackPieces(
  pieces: AsyncIterable<VerifiedPiece>,
): AsyncGenerator<{ number: number; payload_bytes: number; data: Uint8Array }> {
  let ahead: Promise<{ number: number; payload_bytes: number; data: Uint8Array }> | undefined;
  for await (const piece of pieces) {
    const unpacking = unpack(piece);
    // Awaited in the next round; until then a failure must not count as nobody's.
    unpacking.catch(() => {});
    if (ahead) {
      const last = await ahead;
      yield last;
      freeSpent(last.data);
    }
    ahead = unpacking;
  }
  if (ahead) yield await ahead;
}

async function unpack({ number, payload, target_bytes }: VerifiedPiece) {
  const data = await Bun.zstdDecompress(payload);
  if (data.length !== target_bytes) {
    throw new BulkheadError(
      'UPDATE_PIECE_LENGTH',
      `piece ${number} yields ${data.length} bytes, ${target_bytes} were signed`,
    );
  }
  return { number, payload_bytes: payload.length, data };
}
