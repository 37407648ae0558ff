import { FAR_SEED as SEED } from './seeds.ts';

const TABLE_BITS_MAX = 24;

/**
 * One place in the whole base for longer runs, so that content that moved into another file is found too: any equal run
 * of one seed and one step.
 */
export class FarIndex {
  readonly #first: Int32Array;
  readonly #shift: number;

  /** @param filled false leaves the index empty, for a target that has nothing to look for */
  constructor(base: Uint8Array, filled: boolean) {
    const entries = filled ? Math.max(0, Math.floor((base.length - SEED.size_bytes) / SEED.step) + 1) : 0;
    const bits = Math.min(TABLE_BITS_MAX, Math.max(1, Math.ceil(Math.log2(entries + 1))));
    this.#shift = 32 - bits;
    this.#first = new Int32Array(2 ** bits).fill(-1);
    for (let from = (entries - 1) * SEED.step; from >= 0; from -= SEED.step)
      this.#first[SEED.hash(base, from) >>> this.#shift] = from;
  }

  find(bytes: Uint8Array, at: number, visit: (from: number) => void): void {
    if (at + SEED.size_bytes > bytes.length) return;
    const from = this.#first[SEED.hash(bytes, at) >>> this.#shift] ?? -1;
    if (from >= 0) visit(from);
  }
}
