import type { BitCoder } from './bit-coder.ts';

/** Bits that a probability remembers: after these many it moves by a sixtieth. */
const MEMORY = 60;
const CHANCE_MIN = 64;

/** Single bits with a probability each, which starts even and learns fast: most pieces have a few dozen decisions. */
export class AdaptiveBits {
  readonly #chances: Float32Array;
  readonly #seen: Uint8Array;

  constructor(count: number) {
    this.#chances = new Float32Array(count).fill(32768);
    this.#seen = new Uint8Array(count);
  }

  code(coder: BitCoder, which: number, bit: number): number {
    const chance = this.#chances[which] ?? 0;
    const bounded = Math.max(CHANCE_MIN, Math.min(65536 - CHANCE_MIN, Math.round(chance)));
    const coded = coder.code(bounded, bit);
    const seen = this.#seen[which] ?? 0;
    this.#chances[which] = chance + (coded * 65536 - chance) / (seen + 1.6);
    if (seen < MEMORY) this.#seen[which] = seen + 1;
    return coded;
  }
}
