import { HASH_BYTES } from '../../partitions/verity-tree.ts';

const HASH_WORDS = HASH_BYTES / 4;
const EMPTY = 0xffff_ffff;

/**
 * Finds hashes among many: an open table of four bytes a place, at least half of it empty, over hashes that lie elsewhere.
 * SHA-256 spreads them evenly, and whoever could choose them holds the signing key.
 */
export class WantedHashes {
  readonly #words: Uint32Array;
  readonly #places: Uint32Array;
  readonly #mask: number;

  /**
   * @param hashes HASH_BYTES each, aligned to four bytes
   * @param wanted numbers of those that are looked for
   */
  constructor(hashes: Uint8Array, wanted: Uint32Array) {
    this.#words = wordsOf(hashes);
    this.#places = new Uint32Array(2 ** Math.ceil(Math.log2(Math.max(2, 2 * wanted.length)))).fill(EMPTY);
    this.#mask = this.#places.length - 1;
    for (const number of wanted) {
      const place = this.#seek(this.#words, number * HASH_WORDS);
      if (this.#places[place] === EMPTY) this.#places[place] = number;
    }
  }

  /**
   * The number of the first wanted hash that equals one in another list, undefined when none does.
   *
   * @param words the other list, as `wordsOf` gives it
   * @param number which of its hashes
   */
  find(words: Uint32Array, number: number): number | undefined {
    const found = this.#places[this.#seek(words, number * HASH_WORDS)];
    return found === EMPTY ? undefined : found;
  }

  /** Where the hash is in the table, or the empty place where it would be. */
  #seek(words: Uint32Array, at: number): number {
    let place = (words[at] ?? 0) & this.#mask;
    for (;;) {
      const number = this.#places[place];
      if (number === undefined || number === EMPTY || this.#equals(number * HASH_WORDS, words, at))
        return place;
      place = (place + 1) & this.#mask;
    }
  }

  #equals(own: number, words: Uint32Array, at: number): boolean {
    for (let word = 0; word < HASH_WORDS; word += 1)
      if (this.#words[own + word] !== words[at + word]) return false;
    return true;
  }
}

/** Hashes as words, for comparing. */
export function wordsOf(hashes: Uint8Array): Uint32Array {
  return new Uint32Array(hashes.buffer, hashes.byteOffset, hashes.length / 4);
}
