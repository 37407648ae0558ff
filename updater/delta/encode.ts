import { BulkheadError } from '../../base/errors.ts';
import { alignImages } from './align.ts';
import { type Copy, equalRun } from './alignment.ts';
import type { BlobReader } from './blob-reader.ts';
import { PieceEncoder } from './encode-piece.ts';
import { ENCODED_IMAGE_MAX_BYTES, PROGRESS_STEP_BYTES, TOKEN_CODED_MAX_BYTES } from './limits.ts';

/**
 * Equal bytes up to this many between two differences are coded with them: in changed code the model knows better where
 * the next difference is than a number would say.
 */
const BRIDGED_BYTES = 512;

export interface EncodedPiece {
  /** At most PIECE_PAYLOAD_MAX_BYTES. */
  payload: Uint8Array;
  /** Bytes of the target that it yields. */
  target_bytes: number;
}

export interface EncodeProgress {
  /** `compare`: looking for what the target has of the base; `encode`: writing pieces. */
  step: 'compare' | 'encode';
  done_bytes: number;
  total_bytes: number;
}

export interface EncodeOptions {
  onProgress?: (progress: EncodeProgress) => void;
}

/**
 * Describes the target by the base, in pieces that decodePiece turns back one by one. The same images give the same bytes. Holds both
 * images in memory and works without a pause between pieces: for a build machine, not for the box.
 *
 * @throws BulkheadError DELTA_IMAGE_TOO_LARGE, and what the readers throw
 */
export async function* encodeDelta(
  base: BlobReader,
  target: BlobReader,
  options: EncodeOptions = {},
): AsyncGenerator<EncodedPiece> {
  const baseBytes = readWhole(base, 'base');
  const targetBytes = readWhole(target, 'target');
  const total_bytes = targetBytes.length;
  const report = (step: EncodeProgress['step']) => (done_bytes: number) =>
    options.onProgress?.({ step, done_bytes, total_bytes });
  const copies = alignImages(baseBytes, targetBytes, report('compare'));
  const encoded = report('encode');
  let done_bytes = 0;
  for (const piece of encodePieces(baseBytes, targetBytes, copies)) {
    done_bytes += piece.target_bytes;
    encoded(done_bytes);
    yield piece;
  }
}

function* encodePieces(
  base: Uint8Array,
  target: Uint8Array,
  copies: readonly Copy[],
): Generator<EncodedPiece> {
  let piece = new PieceEncoder(base, target, 0);
  let at = 0;
  for (const part of partsOf(base, target, copies)) {
    if (!piece.hasRoom) {
      yield piece.finish();
      piece = new PieceEncoder(base, target, at);
    }
    if (part.kind === 'run') piece.run(part.from, part.length);
    else if (part.kind === 'changed') piece.changed(part.from, part.length);
    else piece.fresh(part.length);
    at += part.length;
  }
  if (target.length > 0) yield piece.finish();
}

/** One token's worth of the target. */
type Part = { kind: 'run' | 'changed'; from: number; length: number } | { kind: 'fresh'; length: number };

function* partsOf(base: Uint8Array, target: Uint8Array, copies: readonly Copy[]): Generator<Part> {
  let at = 0;
  for (const copy of [...copies, { at: target.length, from: 0, length: 0 }]) {
    for (const length of portions(copy.at - at)) yield { kind: 'fresh', length };
    yield* partsOfCopy(base, target, copy);
    at = copy.at + copy.length;
  }
}

function* partsOfCopy(base: Uint8Array, target: Uint8Array, copy: Copy): Generator<Part> {
  const end = copy.at + copy.length;
  const diagonal = copy.from - copy.at;
  for (let at = copy.at; at < end; ) {
    const equal = equalRun(target, at, base, at + diagonal, end - at);
    if (equal > 0) yield { kind: 'run', from: at + diagonal, length: equal };
    at += equal;
    const until = changedUntil(base, target, at, end, diagonal);
    for (const length of portions(until - at)) {
      yield { kind: 'changed', from: at + diagonal, length };
      at += length;
    }
  }
}

/** Where the stretch of differences that begins at `at` ends: BRIDGED_BYTES equal bytes follow, or the copy ends. */
function changedUntil(
  base: Uint8Array,
  target: Uint8Array,
  at: number,
  end: number,
  diagonal: number,
): number {
  let until = at;
  for (let place = at; place < end && place - until <= BRIDGED_BYTES; place += 1)
    if (target[place] !== base[place + diagonal]) until = place + 1;
  return until;
}

function* portions(length: number): Generator<number> {
  for (let left = length; left > 0; left -= TOKEN_CODED_MAX_BYTES)
    yield Math.min(left, TOKEN_CODED_MAX_BYTES);
}

function readWhole(blob: BlobReader, which: string): Uint8Array {
  if (blob.size_bytes > ENCODED_IMAGE_MAX_BYTES) {
    throw new BulkheadError(
      'DELTA_IMAGE_TOO_LARGE',
      `cannot make a delta: the ${which} has ${blob.size_bytes} bytes, at most ${ENCODED_IMAGE_MAX_BYTES} are compared`,
      { hint: 'publish the full bundle alone' },
    );
  }
  const whole = new Uint8Array(blob.size_bytes);
  for (let at = 0; at < whole.length; at += PROGRESS_STEP_BYTES)
    whole.set(blob.read(at, Math.min(PROGRESS_STEP_BYTES, whole.length - at)), at);
  return whole;
}
