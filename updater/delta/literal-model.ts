import type { BitCoder } from './bit-coder.ts';
import { acrossNodes, ContextMixer, contextHash as hash } from './context-mixer.ts';
import { HISTORY_BYTES } from './limits.ts';

const INPUTS = 10;
const HISTORY_TABLE_BITS = 16;
/** A repetition is looked for by the last bytes, and believed when this many are equal. */
const REPETITION_MIN = 5;
const REPETITION_MAX = 31;

/** Codes bytes that the base does not have, from the bytes before them and from their own repetitions. */
export class LiteralModel {
  readonly #mixer: ContextMixer;
  readonly #history = new Uint8Array(HISTORY_BYTES);
  #length = 0;
  readonly #places = new Int32Array(2 ** HISTORY_TABLE_BITS).fill(-1);
  /** Where in the history the present repetition goes on, or -1. */
  #match = -1;
  #matched = 0;

  constructor(slots: Uint16Array) {
    this.#mixer = new ContextMixer(slots, INPUTS, 512, 0.015);
  }

  /**
   * @param before the eight bytes in front, oldest first
   * @param facing byte of the base that would come next
   * @param byte   of the target; ignored when `coder` reads
   */
  code(coder: BitCoder, c4: number, c8: number, facing: number, byte: number): number {
    const c = this.#mixer.contexts;
    c[0] = hash(21, 0);
    c[1] = hash(22, c4 & 0xff);
    c[2] = hash(23, c4 & 0xffff);
    c[3] = hash(24, c4 & 0xffffff);
    c[4] = hash(25, c4);
    c[5] = hash(26, c4, c8 & 0xffff);
    c[6] = hash(27, facing, c4 & 0xff);
    c[8] = hash(29, c4 & 0xff00);
    c[9] = hash(30, c4 & 0xffff00);
    const expected = this.#match >= 0 ? (this.#history[this.#match] ?? 0) : -1;
    let node = 1;
    for (let at = 7; at >= 0; at -= 1) {
      const live = expected >= 0 && (expected | 256) >> (at + 1) === node;
      const trust = live ? Math.min(this.#matched, REPETITION_MAX) * 2 + ((expected >> at) & 1) : -1;
      c[7] = acrossNodes(hash(28, trust), node);
      node = node * 2 + this.#mixer.code(coder, node, (node & 255) | (live ? 256 : 0), (byte >> at) & 1);
    }
    const coded = node & 255;
    this.#push(coded);
    return coded;
  }

  #push(byte: number): void {
    const history = this.#history;
    const mask = HISTORY_BYTES - 1;
    if (this.#match >= 0 && history[this.#match] === byte) {
      this.#matched += 1;
      this.#match = (this.#match + 1) & mask;
    } else {
      this.#match = -1;
      this.#matched = 0;
    }
    history[this.#length & mask] = byte;
    this.#length += 1;
    const end = this.#length;
    const back = (distance: number) => history[(end - distance) & mask] ?? 0;
    const key =
      hash(31, back(1) | (back(2) << 8) | (back(3) << 16), back(4) | (back(5) << 8)) >>>
      (32 - HISTORY_TABLE_BITS);
    if (this.#match < 0) {
      const place = this.#places[key] ?? -1;
      let equal = 0;
      if (place >= 0)
        while (equal < 16 && history[(place - 1 - equal) & mask] === back(equal + 1)) equal += 1;
      if (equal >= REPETITION_MIN) {
        this.#match = place & mask;
        this.#matched = equal;
      }
    }
    this.#places[key] = end & mask;
  }
}
