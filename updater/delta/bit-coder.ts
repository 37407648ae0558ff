import { pieceInvalid } from './piece-invalid.ts';

/**
 * Arithmetic coding of single bits, each with its own probability. Writer and reader have the same door, so that a model
 * is written once and runs both ways: a writer takes the bit and returns it, a reader ignores it and returns the true one.
 *
 * A binary range coder without carry: an interval of 32 bits is cut in two in proportion to the probabilities, and the
 * leading byte goes out when both ends have the same.
 */
export interface BitCoder {
  /**
   * @param chance that the bit is 1, in 65536ths, 1 to 65535
   * @param bit    0 or 1; a reader ignores it
   */
  code(chance: number, bit: number): number;
}

/** Where the interval is cut: at least one value remains on either side. */
function cut(low: number, high: number, chance: number): number {
  const range = high - low;
  return low + (range >>> 16) * chance + (((range & 0xffff) * chance) >>> 16);
}

export class BitWriter implements BitCoder {
  #bytes = new Uint8Array(4096);
  #length = 0;
  #low = 0;
  #high = 0xffffffff;

  /** Bytes so far; the end adds at most 4. */
  get length(): number {
    return this.#length;
  }

  code(chance: number, bit: number): number {
    const middle = cut(this.#low, this.#high, chance);
    if (bit === 1) this.#high = middle;
    else this.#low = middle + 1;
    while (((this.#low ^ this.#high) & 0xff000000) === 0) {
      this.#put(this.#high >>> 24);
      this.#low = (this.#low << 8) >>> 0;
      this.#high = ((this.#high << 8) | 0xff) >>> 0;
    }
    return bit;
  }

  /** Everything written, with as few bytes at the end as tell where in the interval the value lies. */
  finish(): Uint8Array {
    if (this.#low > 0) {
      let shift = 24;
      let value = 0;
      for (; shift >= 0; shift -= 8) {
        const unit = 2 ** shift;
        value = Math.ceil(this.#low / unit) * unit;
        if (value <= this.#high) break;
      }
      for (let at = 24; at >= shift; at -= 8) this.#put((value / 2 ** at) & 0xff);
    }
    return this.#bytes.slice(0, this.#length);
  }

  #put(byte: number): void {
    if (this.#length === this.#bytes.length) {
      const longer = new Uint8Array(this.#bytes.length * 2);
      longer.set(this.#bytes);
      this.#bytes = longer;
    }
    this.#bytes[this.#length] = byte;
    this.#length += 1;
  }
}

/** Bytes that the reader is ahead of the bits it has given. */
const AHEAD_BYTES = 4;

export class BitReader implements BitCoder {
  readonly #bytes: Uint8Array;
  #at = 0;
  #low = 0;
  #high = 0xffffffff;
  #value = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    for (let count = 0; count < AHEAD_BYTES; count += 1) this.#value = this.#value * 256 + this.#next();
  }

  /** @throws BulkheadError DELTA_PIECE_INVALID when the bytes are used up */
  code(chance: number, _bit: number): number {
    const middle = cut(this.#low, this.#high, chance);
    const bit = this.#value <= middle ? 1 : 0;
    if (bit === 1) this.#high = middle;
    else this.#low = middle + 1;
    while (((this.#low ^ this.#high) & 0xff000000) === 0) {
      this.#low = (this.#low << 8) >>> 0;
      this.#high = ((this.#high << 8) | 0xff) >>> 0;
      this.#value = ((this.#value << 8) | this.#next()) >>> 0;
    }
    return bit;
  }

  /** Whether no byte is left over. */
  get finished(): boolean {
    return this.#at >= this.#bytes.length;
  }

  #next(): number {
    const byte = this.#bytes[this.#at];
    this.#at += 1;
    if (this.#at > this.#bytes.length + AHEAD_BYTES) throw pieceInvalid('it ends in the middle');
    return byte ?? 0;
  }
}
