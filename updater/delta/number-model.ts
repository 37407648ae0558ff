import { AdaptiveBits } from './adaptive-bits.ts';
import type { BitCoder } from './bit-coder.ts';

/** Bits that tell how long a number is; longer ones than LENGTH_MAX_BITS are not whole in JavaScript. */
const LENGTH_BITS = 6;
const LENGTH_MAX_BITS = 52;
/** Bits behind the leading one that are predicted; the rest is as good as random. */
const MODELLED_BITS = 3;
const BITS_PER_CONTEXT = 512;

/** Numbers from 0 on, small ones in few bits: the length of n + 1 in bits, then the bits behind the leading one. */
export class NumberModel {
  readonly #bits: AdaptiveBits;

  /** @param contexts kinds of numbers that are learned apart */
  constructor(contexts: number) {
    this.#bits = new AdaptiveBits(contexts * BITS_PER_CONTEXT);
  }

  /** @param value integer from 0 to 2 ** 52 - 2; ignored when `coder` reads */
  code(coder: BitCoder, context: number, value: number): number {
    const first = context * BITS_PER_CONTEXT;
    const increased = value + 1;
    const length = this.#length(coder, first, bitLength(increased) - 1);
    let result = 1;
    for (let at = length - 1; at >= 0; at -= 1) {
      const bit = Math.floor(increased / 2 ** at) % 2;
      const slot = first + 2 ** LENGTH_BITS + length * 2 ** MODELLED_BITS + result;
      const modelled = length - 1 - at < MODELLED_BITS;
      result = result * 2 + (modelled ? this.#bits.code(coder, slot, bit) : coder.code(32768, bit));
    }
    return result - 1;
  }

  #length(coder: BitCoder, first: number, length: number): number {
    let node = 1;
    for (let at = LENGTH_BITS - 1; at >= 0; at -= 1)
      node = node * 2 + this.#bits.code(coder, first + node, (length >> at) & 1);
    return Math.min(node - 2 ** LENGTH_BITS, LENGTH_MAX_BITS);
  }
}

/** Bits that `value`, 1 or more, has without leading zeros. */
function bitLength(value: number): number {
  return value < 4294967296 ? 32 - Math.clz32(value) : 64 - Math.clz32(value / 4294967296);
}
