import { PIECE_PAYLOAD_MAX_BYTES } from '../limits.ts';
import { BitWriter } from './bit-coder.ts';
import type { Overlay } from './changed-model.ts';
import { CODED_MAX_BYTES, TOKEN_CODED_MAX_BYTES, TOKEN_PAYLOAD_MAX_BYTES, TOKENS_MAX } from './limits.ts';
import { ModelMemory } from './model-memory.ts';
import { CHANGED, FRESH, JUMP, PIECE_FORMAT, PieceModel, RUN } from './piece-model.ts';

/** Bytes in front of a position that the models know of. */
const CONTEXT_BYTES = 8;

/** Writes the tokens of one piece; the caller asks before each whether there is room. */
export class PieceEncoder {
  readonly #base: Uint8Array;
  readonly #target: Uint8Array;
  readonly #writer = new BitWriter();
  readonly #memory = ModelMemory.take();
  readonly #model: PieceModel;
  /** Where in the target the piece begins; positions in the models count from there. */
  readonly #start: number;
  #at: number;
  #place = 0;
  #coded = 0;
  #tokens = 0;

  /** @param at where in the target the piece begins */
  constructor(base: Uint8Array, target: Uint8Array, at: number) {
    this.#base = base;
    this.#target = target;
    this.#start = at;
    this.#at = at;
    this.#model = new PieceModel(this.#writer, base.length, this.#memory);
  }

  /** Whether one more token, with a jump in front, fits for certain. */
  get hasRoom(): boolean {
    return (
      this.#writer.length + TOKEN_PAYLOAD_MAX_BYTES <= PIECE_PAYLOAD_MAX_BYTES &&
      this.#coded + TOKEN_CODED_MAX_BYTES <= CODED_MAX_BYTES &&
      this.#tokens + 2 <= TOKENS_MAX
    );
  }

  /** Equal bytes, any number. */
  run(from: number, length: number): void {
    this.#turn(from);
    this.#token(RUN);
    this.#model.runLength(length);
    const end = this.#at + length;
    for (let at = Math.max(this.#at, end - CONTEXT_BYTES); at < end; at += 1)
      this.#model.copied(this.#target[at] ?? 0);
    this.#at = end;
    this.#place = from + length;
  }

  /** Bytes over bytes of the base, at most TOKEN_CODED_MAX_BYTES. */
  changed(from: number, length: number): void {
    this.#turn(from);
    this.#token(CHANGED);
    this.#model.changedLength(length);
    const place: Overlay = {
      window: this.#base,
      index: from,
      position: from,
      shift: this.#at - this.#start - from,
    };
    for (const byte of this.#target.subarray(this.#at, this.#at + length)) {
      this.#model.changedByte(place, byte);
      place.index += 1;
      place.position += 1;
    }
    this.#at += length;
    this.#place = from + length;
    this.#coded += length;
  }

  /** Bytes that the base does not have, at most TOKEN_CODED_MAX_BYTES. */
  fresh(length: number): void {
    this.#token(FRESH);
    this.#model.freshLength(length);
    const bytes = this.#target.subarray(this.#at, this.#at + length);
    const raw = this.#model.freshRaw(isNoise(bytes));
    for (let step = 0; step < length; step += 1)
      this.#model.freshByte(raw, this.#base[this.#place + step] ?? 0, bytes[step] ?? 0);
    this.#at += length;
    this.#coded += length;
  }

  /** The piece; nothing can be added any more. */
  finish(): { payload: Uint8Array; target_bytes: number } {
    this.#memory.release();
    const coded = this.#writer.finish();
    const payload = new Uint8Array(1 + coded.length);
    payload[0] = PIECE_FORMAT;
    payload.set(coded, 1);
    return { payload, target_bytes: this.#at - this.#start };
  }

  #turn(from: number): void {
    if (from === this.#place) {
      this.#model.moved(this.#at - this.#start, from);
      return;
    }
    this.#token(JUMP);
    this.#model.jump(this.#place, this.#at - this.#start, from);
    this.#place = from;
  }

  #token(token: number): void {
    this.#tokens += 1;
    this.#model.token(token);
  }
}

/** Least bytes to judge by. */
const NOISE_MIN_BYTES = 512;

/**
 * Whether bytes are compressed or encrypted already: then every value is about as frequent as any other, and the sum of the
 * squares of the frequencies is that of chance.
 */
function isNoise(bytes: Uint8Array): boolean {
  if (bytes.length < NOISE_MIN_BYTES) return false;
  const counts = new Uint32Array(256);
  for (const byte of bytes) counts[byte] = (counts[byte] ?? 0) + 1;
  const squares = counts.reduce((sum, count) => sum + count * count, 0);
  return squares < 1.1 * (bytes.length + bytes.length ** 2 / 256);
}
