import { createHash } from 'node:crypto';
import { BulkheadError } from '../../base/errors.ts';
import type { Piece } from '../bundle/pieces.ts';
import { PIECE_PAYLOAD_MAX_BYTES } from '../limits.ts';
import { type ByteSource, readInto, readVerified } from '../source.ts';
import { freeSpent } from '../spent-buffer.ts';
import { batchesOf, type PieceBatch } from './piece-batches.ts';
import type { StreamPart } from './transfer.ts';

/** One piece as it came, its digest compared. */
export interface VerifiedPiece {
  number: number;
  /** Valid until the piece after the next one is asked for. */
  payload: Uint8Array;
  target_bytes: number;
  /** On the last piece of what was asked for at once. */
  end: StreamPart['piece'];
}

/**
 * Reads pieces in order from where they lie, each verified before anybody sees it. A batch is asked for when the second piece of the
 * one before is, and when everything before that is written down, not sooner: by then whoever takes one piece ahead has used it up,
 * so two batches are all that a transfer that is killed has carried in vain.
 *
 * @param payloadStart_bytes of the payload section in the source
 * @param keptUpToHere as TargetStream has it
 * @throws BulkheadError UPDATE_PIECE_DAMAGED; what the source throws
 */
export async function* readPieces(
  source: ByteSource,
  payloadStart_bytes: number,
  pieces: readonly Piece[],
  from_piece: number,
  keptUpToHere: () => Promise<void> = async () => {},
): AsyncGenerator<VerifiedPiece> {
  const batches = batchesOf(pieces, from_piece);
  const longest_bytes = batches.reduce((most, { bytes }) => Math.max(most, bytes), 0);
  // The same two for all batches: arrays of every length, made and left a hundred times, are memory that nobody gets back.
  const buffers = [new Uint8Array(longest_bytes), new Uint8Array(longest_bytes)];
  const leave = new AbortController();
  const fetch = (batch: PieceBatch | undefined, into: Uint8Array | undefined) => {
    if (!batch || !into) return undefined;
    const bytes = into.subarray(0, batch.bytes);
    const start_bytes = payloadStart_bytes + batch.start_bytes;
    const filled = keptUpToHere().then(() =>
      readVerified(source, start_bytes, start_bytes + batch.bytes, async () => {
        if (leave.signal.aborted) return;
        await readInto(source, start_bytes, bytes, leave.signal);
        if (leave.signal.aborted) return;
        for (const { number, piece, payload } of cut(pieces, batch, bytes))
          checkPiece(source, number, piece, payload);
      }),
    );
    // Thrown where it is awaited; until then a failure must not count as nobody's.
    filled.catch(() => {});
    return { bytes, filled };
  };
  let ahead = fetch(batches[0], buffers[0]);
  try {
    for (const [at, batch] of batches.entries()) {
      const current = ahead;
      if (!current) return;
      await current.filled;
      ahead = undefined;
      const next = batches[at + 1];
      const end = { done: batch.end, fetched_bytes: batch.bytes, next_bytes: next?.bytes ?? 0 };
      for (const { number, piece, payload } of cut(pieces, batch, current.bytes)) {
        const { target_bytes } = piece;
        yield { number, payload, target_bytes, end: number + 1 === batch.end ? end : undefined };
        ahead ??= fetch(next, buffers[(at + 1) % buffers.length]);
      }
    }
  } finally {
    leave.abort();
  }
}

/**
 * Gives what any piece of a full bundle yields, one at a time, valid until the next call.
 *
 * @throws BulkheadError (the function it returns) UPDATE_PIECE_MISSING, UPDATE_PIECE_DAMAGED, UPDATE_PIECE_LENGTH; what the source throws
 */
export function pieceReader(source: ByteSource, payloadStart_bytes: number, pieces: readonly Piece[]) {
  const buffer = new Uint8Array(PIECE_PAYLOAD_MAX_BYTES);
  const places = batchesOf(pieces, 0, 1);
  let last: Uint8Array | undefined;
  return async (number: number): Promise<Uint8Array> => {
    const [piece, place] = [pieces[number], places[number]];
    if (!piece || !place)
      throw new BulkheadError('UPDATE_PIECE_MISSING', `${source.name} has no piece ${number}`);
    if (last) freeSpent(last);
    const payload = buffer.subarray(0, piece.payload_bytes);
    const start_bytes = payloadStart_bytes + place.start_bytes;
    await readVerified(source, start_bytes, start_bytes + payload.length, async () => {
      await readInto(source, start_bytes, payload);
      checkPiece(source, number, piece, payload);
    });
    const { target_bytes } = piece;
    last = (await unpack({ number, payload, target_bytes, end: undefined })).data;
    return last;
  };
}

/** The pieces of a batch where they lie in its bytes. */
function* cut(
  pieces: readonly Piece[],
  batch: PieceBatch,
  bytes: Uint8Array,
): Generator<{ number: number; piece: Piece; payload: Uint8Array }> {
  let start_bytes = 0;
  for (const [at, piece] of pieces.slice(batch.first, batch.end).entries()) {
    const end_bytes = start_bytes + piece.payload_bytes;
    yield { number: batch.first + at, piece, payload: bytes.subarray(start_bytes, end_bytes) };
    start_bytes = end_bytes;
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

/** What one piece of a full bundle yields; valid until the next one is asked for. */
export interface UnpackedPiece extends Pick<VerifiedPiece, 'number' | 'end'> {
  data: Uint8Array;
}

/**
 * Decompresses the pieces of a full bundle, the next one already while the last is written.
 *
 * @throws BulkheadError UPDATE_PIECE_LENGTH
 */
export async function* unpackPieces(pieces: AsyncIterable<VerifiedPiece>): AsyncGenerator<UnpackedPiece> {
  let ahead: Promise<UnpackedPiece> | undefined;
  for await (const piece of pieces) {
    const unpacking = unpack(piece);
    // Awaited below; until then a failure must not count as nobody's.
    unpacking.catch(() => {});
    if (ahead) yield* used(await ahead);
    ahead = unpacking;
  }
  if (ahead) yield* used(await ahead);
}

function* used(piece: UnpackedPiece): Generator<UnpackedPiece> {
  yield piece;
  freeSpent(piece.data);
}

async function unpack({ number, payload, target_bytes, end }: VerifiedPiece): Promise<UnpackedPiece> {
  const data = await Bun.zstdDecompress(payload);
  if (data.length !== target_bytes) {
    throw new BulkheadError(
      'UPDATE_PIECE_LENGTH',
      `piece ${number} yields ${data.length} bytes, ${target_bytes} were signed`,
    );
  }
  return { number, data, end };
}
