import type { Overlay } from './changed-model.ts';
import { word } from './seeds.ts';

/**
 * Guesses how tables change. Relocations, symbols and unwind tables are rows of words; when code moves, a whole column
 * changes by the same number for many rows. So the next word probably changes by what the word one row above changed by.
 */

/** Row lengths in words: two words (unwind tables) and six (relocations and symbols of 64-bit ELF). */
const SHORT_ROW = 2;
const LONG_ROW = 6;
const KEPT_WORDS = 8;
const SCORE_MAX = 15;

export class RowTracker {
  /** By how much the last words changed, by position of the word. */
  readonly #changes = new Int32Array(KEPT_WORDS);
  #shortScore = 0;
  #longScore = 0;
  #plain = 0;
  #short = 0;
  #long = 0;
  #actual = 0;
  #whole = false;

  /** A new stretch begins: what came before was equal, or elsewhere. */
  begin(): void {
    this.#changes.fill(0);
    this.#whole = false;
    this.#shortScore = 0;
    this.#longScore = 0;
  }

  /** Whether guesses have been right lately; 0 to 3. */
  get trust(): number {
    const score = Math.max(this.#shortScore, this.#longScore);
    return score === 0 ? 0 : score < 3 ? 1 : score < 10 ? 2 : 3;
  }

  /** Looks at the next byte of the base; a word begins at every fourth. */
  look({ window, index, position }: Overlay): void {
    if ((position & 3) !== 0) return;
    const number = position >>> 2;
    this.#whole = true;
    this.#actual = 0;
    this.#plain = word(window, index);
    this.#short = (this.#plain + (this.#changes[(number - SHORT_ROW) & (KEPT_WORDS - 1)] ?? 0)) | 0;
    this.#long = (this.#plain + (this.#changes[(number - LONG_ROW) & (KEPT_WORDS - 1)] ?? 0)) | 0;
  }

  /** The byte that is expected in the target over `plain` in the base, after `look`. */
  expect(position: number, plain: number): number {
    if (!this.#whole || (this.#longScore === 0 && this.#shortScore === 0)) return plain;
    const guess = this.#longScore >= this.#shortScore ? this.#long : this.#short;
    return (guess >>> (8 * (position & 3))) & 0xff;
  }

  /** Tells what the byte in the target is. */
  learn(byte: number, position: number): void {
    const step = position & 3;
    this.#actual |= byte << (8 * step);
    if (step !== 3) return;
    const known = this.#whole;
    this.#changes[(position >>> 2) & (KEPT_WORDS - 1)] = known ? this.#actual - this.#plain : 0;
    if (!known) return;
    this.#shortScore = scored(this.#shortScore, this.#short, this.#plain, this.#actual);
    this.#longScore = scored(this.#longScore, this.#long, this.#plain, this.#actual);
  }
}

function scored(score: number, guess: number, plain: number, actual: number): number {
  if (guess === plain) return score;
  if (guess === actual) return Math.min(SCORE_MAX, score + 1);
  return Math.max(0, score - (actual === plain ? 2 : 1));
}
