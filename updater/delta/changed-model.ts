import type { BitCoder } from './bit-coder.ts';
import { ContextMixer, contextHash as hash } from './context-mixer.ts';
import { ReferenceTracker } from './reference-tracker.ts';
import { RowTracker } from './row-tracker.ts';

/** Differences that are remembered: tables of records of up to this length repeat theirs. */
const RECENT_BYTES = 64;
const FLAG_INPUTS = 9;
const VALUE_INPUTS = 8;

/** Bytes of the base before (`b`), differences some bytes back (`r`), and what the trackers say; see ChangedModel. */
type Surroundings = Record<
  'b1' | 'b2' | 'r1' | 'r4' | 'r8' | 'r16' | 'r24' | 'row' | 'trust' | 'word' | 'step',
  number
>;

/**
 * Codes bytes of the target that lie over bytes of the base: first whether the byte is the expected one (that of the base, or
 * what the ReferenceTracker says), then by how much it differs.
 */
export class ChangedModel {
  readonly #references: ReferenceTracker;
  readonly #rows = new RowTracker();
  readonly #flags: ContextMixer;
  readonly #values: ContextMixer;
  /** Differences of the last bytes, by position in the target. */
  readonly #recent = new Uint8Array(RECENT_BYTES);
  /** Whether the last bytes differed, one bit each, newest lowest. */
  #trail = 0;
  /** Bytes since the last that differed, and how many differed in a row before this one. */
  #since = 0;
  #row = 0;
  #first = 0;
  #firstBefore = 0;

  constructor(base_bytes: number, slots: Uint16Array) {
    this.#flags = new ContextMixer(slots, FLAG_INPUTS, 24 + 21 * 8, 0.012);
    this.#values = new ContextMixer(slots, VALUE_INPUTS, 1024, 0.012);
    this.#references = new ReferenceTracker(base_bytes);
  }

  /** A new stretch begins: what came before was equal, or elsewhere. */
  begin(): void {
    this.#recent.fill(0);
    this.#trail = 0;
    this.#since = 0;
    this.#row = 0;
    this.#references.leave();
    this.#rows.begin();
  }

  /**
   * @param window   holds the base around the byte: three bytes before and after it
   * @param index    of the byte in `window`
   * @param position of the byte in the base
   * @param shift    position in the target minus position in the base
   * @param byte     of the target; ignored when `coder` reads
   */
  code(
    coder: BitCoder,
    window: Uint8Array,
    index: number,
    position: number,
    shift: number,
    byte: number,
  ): number {
    const references = this.#references;
    const rows = this.#rows;
    rows.look(window, index, position);
    const table = rows.trust;
    if (table < 2) references.look(window, index, position, shift);
    const plain = window[index] ?? 0;
    const fromRow = rows.expect(plain, position);
    const expected = references.context === 0 ? fromRow : references.expect(plain);
    const rowSays = table * 2 + (fromRow === plain ? 0 : 1);
    const b1 = window[index - 1] ?? 0;
    const b2 = window[index - 2] ?? 0;
    const b3 = window[index - 3] ?? 0;
    const n1 = window[index + 1] ?? 0;
    const n2 = window[index + 2] ?? 0;
    const at = position + shift;
    const recent = this.#recent;
    const r1 = recent[(at - 1) & 63] ?? 0;
    const r4 = recent[(at - 4) & 63] ?? 0;
    const r8 = recent[(at - 8) & 63] ?? 0;
    const r16 = recent[(at - 16) & 63] ?? 0;
    const r24 = recent[(at - 24) & 63] ?? 0;
    const trail = this.#trail;
    const trust = references.context === 0 ? rowSays : 8 + references.context;
    const since = Math.min(this.#since, 31);
    const row = Math.min(this.#row, 3);
    const step = position & 3;
    const word =
      (window[index - step] ?? 0) |
      ((window[index - step + 1] ?? 0) << 8) |
      ((window[index - step + 2] ?? 0) << 16) |
      ((window[index - step + 3] ?? 0) << 24);
    const c = this.#flags.contexts;
    c[0] = hash(1, since, row, trust);
    c[1] = hash(2, trail & 0xffff);
    c[2] = hash(3, b1 | (b2 << 8) | (b3 << 16), trail & 15);
    c[3] = hash(4, position & 7, trail & 0xff);
    c[4] = hash(5, (r4 ? 1 : 0) | (r8 ? 2 : 0) | (r16 ? 4 : 0) | (r24 ? 8 : 0), trail & 7, trust);
    c[5] = hash(6, plain | (n1 << 8) | (n2 << 16), trail & 3);
    c[6] = hash(7, trust, references.record, rowSays);
    c[7] = hash(8, trust, b1, (plain - expected) & 255);
    c[8] = hash(9, word >> 10, step);
    const place = references.place;
    const selector =
      place === 0
        ? table === 0
          ? Math.min(since, 15)
          : 16 + rowSays
        : 24 + place * 8 + ((trust >> 2) & 3) * 2 + (trust & 1);
    const differs = this.#flags.code(coder, 1, selector, byte === expected ? 0 : 1);
    const result =
      differs === 1
        ? this.#value(coder, plain, expected, byte, { b1, b2, r1, r4, r8, r16, r24, row, trust, word, step })
        : expected;
    const difference = (result - plain) & 255;
    this.#trail = (trail << 1) | differs;
    recent[at & 63] = difference;
    if (difference === 0) {
      this.#since += 1;
      this.#row = 0;
    } else {
      this.#since = 0;
      this.#row += 1;
    }
    references.learn(result, shift);
    rows.learn(result, position);
    return result;
  }

  #value(coder: BitCoder, plain: number, expected: number, byte: number, around: Surroundings): number {
    const { b1, b2, r1, r4, r8, r16, r24, row, trust, word, step } = around;
    const carry = b1 + r1 > 255 ? 1 : 0;
    const c = this.#values.contexts;
    c[0] = hash(31, r1, carry, row);
    c[1] = hash(32, plain, b1, b2);
    c[2] = hash(33, r4, r8);
    c[3] = hash(34, r24, r16);
    c[4] = hash(35, this.#first, this.#firstBefore, row);
    c[5] = hash(36, trust, this.#first);
    c[6] = hash(37, word >> 10, step);
    c[7] = hash(38, expected, plain, trust);
    const difference = (byte - plain) & 255;
    let node = 1;
    for (let bit = 7; bit >= 0; bit -= 1)
      node = node * 2 + this.#values.code(coder, node, node | (row << 8), (difference >> bit) & 1);
    const coded = node & 255;
    if (row === 0) {
      this.#firstBefore = this.#first;
      this.#first = coded;
    }
    return (plain + coded) & 255;
  }
}
