import { SEED_POSITIONS_MAX } from './limits.ts';
import type { Seed } from './seeds.ts';

const TABLE_BITS_MIN = 10;
const TABLE_BITS_MAX = 26;

/**
 * Where the seeds of some ranges of the base are. The positions of one hash lie in ascending order, so that those next
 * to an expected place are found first: code repeats itself, and the right repetition is nearly always the nearest.
 */
export class SeedIndex {
  readonly #base: Uint8Array;
  readonly #seed: Seed;
  readonly #step: number;
  readonly #shift: number;
  /** Slot `s` has the positions from `#ends[s - 1]` up to `#ends[s]`. */
  readonly #ends: Int32Array;
  readonly #positions: Int32Array;

  /** @param ranges pairs of start and end in the base, ascending, multiples of the seed's step */
  constructor(base: Uint8Array, ranges: readonly (readonly [start: number, end: number])[], seed: Seed) {
    this.#base = base;
    this.#seed = seed;
    const size = ranges.reduce((sum, [start, end]) => sum + (end - start) / seed.step, 0);
    const thinned = Math.max(1, Math.ceil(size / SEED_POSITIONS_MAX));
    this.#step = seed.step * thinned;
    const bits = Math.ceil(Math.log2(size / thinned + 1));
    this.#shift = 32 - Math.min(TABLE_BITS_MAX, Math.max(TABLE_BITS_MIN, bits));
    this.#ends = new Int32Array(2 ** (32 - this.#shift));
    for (const [start, end] of ranges) this.#count(start, end);
    let sum = 0;
    for (let slot = 0; slot < this.#ends.length; slot += 1) {
      const count = this.#ends[slot] ?? 0;
      this.#ends[slot] = sum;
      sum += count;
    }
    this.#positions = new Int32Array(sum);
    for (const [start, end] of ranges) this.#fill(start, end);
  }

  /**
   * Hands over positions whose seed may equal the one at `bytes[at]`, those nearest to `expected` first, at most
   * `most` of them.
   */
  nearest(
    bytes: Uint8Array,
    at: number,
    expected: number,
    most: number,
    visit: (from: number) => void,
  ): void {
    if (at + this.#seed.size_bytes > bytes.length) return;
    const hash = this.#seed.hash(bytes, at);
    if (hash === 0) return;
    const slot = hash >>> this.#shift;
    const first = slot === 0 ? 0 : (this.#ends[slot - 1] ?? 0);
    const end = this.#ends[slot] ?? 0;
    let above = first;
    for (let high = end; above < high; ) {
      const middle = (above + high) >>> 1;
      if ((this.#positions[middle] ?? 0) < expected) above = middle + 1;
      else high = middle;
    }
    let below = above - 1;
    for (let seen = 0; seen < most && (below >= first || above < end); seen += 1) {
      const low = below >= first ? (this.#positions[below] ?? 0) : Number.NEGATIVE_INFINITY;
      const high = above < end ? (this.#positions[above] ?? 0) : Number.POSITIVE_INFINITY;
      if (expected - low < high - expected) {
        visit(low);
        below -= 1;
      } else {
        visit(high);
        above += 1;
      }
    }
  }

  #count(start: number, end: number): void {
    const last = this.#last(end);
    for (let from = start; from <= last; from += this.#step) {
      const hash = this.#seed.hash(this.#base, from);
      if (hash === 0) continue;
      const slot = hash >>> this.#shift;
      this.#ends[slot] = (this.#ends[slot] ?? 0) + 1;
    }
  }

  #fill(start: number, end: number): void {
    const last = this.#last(end);
    for (let from = start; from <= last; from += this.#step) {
      const hash = this.#seed.hash(this.#base, from);
      if (hash === 0) continue;
      const slot = hash >>> this.#shift;
      const place = this.#ends[slot] ?? 0;
      this.#positions[place] = from;
      this.#ends[slot] = place + 1;
    }
  }

  #last(end: number): number {
    return Math.min(end - 1, this.#base.length - this.#seed.size_bytes);
  }
}
