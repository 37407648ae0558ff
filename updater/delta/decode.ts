import { BaseWindow } from './base-window.ts';
import { BitReader } from './bit-coder.ts';
import type { BlobReader } from './blob-reader.ts';
import type { Overlay } from './changed-model.ts';
import { CODED_MAX_BYTES, PART_MAX_BYTES, TOKENS_MAX } from './limits.ts';
import { ModelMemory } from './model-memory.ts';
import { pieceInvalid } from './piece-invalid.ts';
import { CHANGED, FRESH, JUMP, PIECE_FORMAT, PieceModel, RUN } from './piece-model.ts';

/** Bytes in front of a position that the models know of. */
const CONTEXT_BYTES = 8;

/**
 * The bytes of the target that a piece yields, in order, in parts of at most PART_MAX_BYTES. **A part is overwritten when the next
 * is taken**: use or copy it first. Memory does not depend on what the piece says, about 4 MB; time is bounded by
 * CODED_MAX_BYTES and TOKENS_MAX. The caller verified the payload by its digest before, but nothing here relies on it.
 *
 * @param base         what the delta was made from; nothing outside of it is read
 * @param target_bytes exactly so many are yielded
 * @throws BulkheadError DELTA_PIECE_INVALID, when it says so perhaps after parts were yielded; what `base` throws
 */
export function* decodePiece(
  payload: Uint8Array,
  base: BlobReader,
  target_bytes: number,
): Generator<Uint8Array, void, undefined> {
  if (payload[0] !== PIECE_FORMAT)
    throw pieceInvalid(`its format is ${payload[0] ?? 'missing'}, not ${PIECE_FORMAT}`);
  const memory = ModelMemory.take();
  try {
    const decoder = new PieceDecoder(payload.subarray(1), base, target_bytes, memory);
    for (let part = decoder.part(); part.length > 0; part = decoder.part()) yield part;
    decoder.end();
  } finally {
    memory.release();
  }
}

class PieceDecoder {
  readonly #base: BlobReader;
  readonly #target_bytes: number;
  readonly #reader: BitReader;
  readonly #model: PieceModel;
  readonly #window: BaseWindow;
  readonly #part = new Uint8Array(PART_MAX_BYTES);
  #filled = 0;
  /** Position in what the piece yields, and in the base. */
  #at = 0;
  #place = 0;
  #coded = 0;
  #tokens = 0;
  /** The present token, and bytes of it that are still to come and that are done. */
  #token = JUMP;
  #left = 0;
  #done = 0;
  #raw = false;

  constructor(payload: Uint8Array, base: BlobReader, target_bytes: number, memory: ModelMemory) {
    this.#base = base;
    this.#target_bytes = target_bytes;
    this.#reader = new BitReader(payload);
    this.#model = new PieceModel(this.#reader, base.size_bytes, memory);
    this.#window = new BaseWindow(base);
  }

  /** The next part; empty at the end. */
  part(): Uint8Array {
    this.#filled = 0;
    while (this.#filled < PART_MAX_BYTES && this.#at < this.#target_bytes) {
      if (this.#left === 0) this.#next();
      const length = Math.min(this.#left, PART_MAX_BYTES - this.#filled);
      if (this.#token === RUN) this.#run(length);
      else if (this.#token === CHANGED) this.#changed(length);
      else this.#fresh(length);
      this.#filled += length;
      this.#at += length;
      this.#left -= length;
      this.#done += length;
    }
    return this.#part.subarray(0, this.#filled);
  }

  /** @throws BulkheadError DELTA_PIECE_INVALID when something is left over */
  end(): void {
    if (this.#left > 0 || !this.#reader.finished) throw pieceInvalid('it goes on after its end');
  }

  /** Reads the next token that yields bytes. */
  #next(): void {
    const model = this.#model;
    const jumped = this.#readToken() === JUMP;
    if (jumped) {
      this.#place = model.jump(this.#place, this.#at, 0);
      if (!(this.#place >= 0 && this.#place < this.#base.size_bytes))
        throw pieceInvalid(`it jumps to ${this.#place} of ${this.#base.size_bytes} bytes`);
      this.#readToken();
      if (this.#token !== RUN && this.#token !== CHANGED) throw pieceInvalid('it jumps for nothing');
    }
    this.#done = 0;
    if (this.#token === FRESH) {
      this.#left = model.freshLength(1);
      this.#raw = model.freshRaw(false);
    } else {
      if (!jumped) model.moved(this.#at, this.#place);
      this.#left = this.#token === RUN ? model.runLength(1) : model.changedLength(1);
      if (this.#left > this.#base.size_bytes - this.#place)
        throw pieceInvalid(`it copies ${this.#left} bytes from ${this.#place} of ${this.#base.size_bytes}`);
    }
    if (this.#left > this.#target_bytes - this.#at)
      throw pieceInvalid(`it yields more than ${this.#target_bytes} bytes`);
    if (this.#token !== RUN) this.#coded += this.#left;
    if (this.#coded > CODED_MAX_BYTES) throw pieceInvalid(`it codes more than ${CODED_MAX_BYTES} bytes`);
  }

  #readToken(): number {
    this.#tokens += 1;
    if (this.#tokens > TOKENS_MAX) throw pieceInvalid(`it has more than ${TOKENS_MAX} tokens`);
    this.#token = this.#model.token(0);
    return this.#token;
  }

  #run(length: number): void {
    this.#part.set(this.#base.read(this.#place, length), this.#filled);
    this.#place += length;
    const end = this.#filled + length;
    for (let at = Math.max(this.#filled, end - CONTEXT_BYTES); at < end; at += 1)
      this.#model.copied(this.#part[at] ?? 0);
  }

  #changed(length: number): void {
    const window = this.#window;
    const shift = this.#at - this.#place;
    const place: Overlay = { window: window.bytes, index: 0, position: this.#place, shift };
    const end = this.#filled + length;
    for (let to = this.#filled; to < end; ) {
      place.index = window.index(place.position);
      const stop = to + Math.min(end - to, window.room(place.position));
      for (; to < stop; to += 1) {
        this.#part[to] = this.#model.changedByte(place, 0);
        place.index += 1;
        place.position += 1;
      }
    }
    this.#place = place.position;
  }

  #fresh(length: number): void {
    const size = this.#base.size_bytes;
    for (let step = 0; step < length; step += 1) {
      const place = this.#place + this.#done + step;
      const facing = place < size ? (this.#window.bytes[this.#window.index(place)] ?? 0) : 0;
      this.#part[this.#filled + step] = this.#model.freshByte(this.#raw, facing, 0);
    }
  }
}
