import type { BitCoder } from './bit-coder.ts';
import { ContextMixer, contextHash as hash } from './context-mixer.ts';
import type { ModelMemory } from './model-memory.ts';
import { ReferenceTracker } from './reference-tracker.ts';
import { word } from './seeds.ts';

/** Where a byte of the target lies over the base. */
export interface Overlay {
  /** Holds the base around the byte: MARGIN_BYTES on either side (base-window.ts). */
  window: Uint8Array;
  /** Of the byte in `window`. */
  index: number;
  /** Of the byte in the base. */
  position: number;
  /** Position in the target minus position in the base. */
  shift: number;
}

/** Differences that are remembered, by position in the target; records of up to this length repeat theirs. */
const RECENT = 64;
const FLAG_INPUTS = 9;
const VALUE_INPUTS = 8;
const RATE = 0.012;
/** Sets of weights for the flag: by bytes since the last difference, by instruction. */
const BY_SINCE = 16;
const BY_REFERENCE = 21 * 8;

/**
 * Codes bytes of the target that lie over bytes of the base: first whether the byte is the expected one (that of the
 * base, or in an address what the ReferenceTracker says), then by how much it differs from the base.
 */
export class ChangedModel {
  readonly #references: ReferenceTracker;
  readonly #flags: ContextMixer;
  readonly #values: ContextMixer;
  readonly #recent = new Uint8Array(RECENT);
  /** Whether the last bytes were unexpected, one bit each, newest lowest. */
  #trail = 0;
  /** Bytes since the last difference; differences in a row up to here. */
  #since = 0;
  #streak = 0;
  /** The last two differences that began a streak. */
  #first = 0;
  #firstBefore = 0;

  constructor(base_bytes: number, memory: ModelMemory) {
    this.#references = new ReferenceTracker(base_bytes, memory);
    this.#flags = new ContextMixer(memory.slots, FLAG_INPUTS, BY_SINCE + BY_REFERENCE, RATE);
    this.#values = new ContextMixer(memory.slots, VALUE_INPUTS, 1024, RATE);
  }

  /** A new stretch begins: what came before was equal, or elsewhere. */
  begin(): void {
    this.#recent.fill(0);
    this.#trail = 0;
    this.#since = 0;
    this.#streak = 0;
    this.#references.leave();
  }

  /** @param byte of the target; ignored when `coder` reads */
  code(coder: BitCoder, place: Overlay, byte: number): number {
    const references = this.#references;
    references.look(place);
    const plain = place.window[place.index] ?? 0;
    const expected = references.active ? references.expect(plain) : plain;
    const trust = references.active ? references.context : 0;

    this.#setFlagContexts(place, expected, trust);
    const selector = references.active ? BY_SINCE + references.selector : Math.min(this.#since, BY_SINCE - 1);
    const surprise = this.#flags.code(coder, 1, selector, byte === expected ? 0 : 1);
    const result = surprise === 1 ? this.#value(coder, place, expected, trust, byte) : expected;

    const difference = (result - plain) & 255;
    this.#recent[(place.position + place.shift) & (RECENT - 1)] = difference;
    this.#trail = (this.#trail << 1) | surprise;
    this.#since = difference === 0 ? this.#since + 1 : 0;
    this.#streak = difference === 0 ? 0 : this.#streak + 1;
    references.learn(result, place.shift);
    return result;
  }

  #setFlagContexts(place: Overlay, expected: number, trust: number): void {
    const { window, index, position } = place;
    const plain = window[index] ?? 0;
    const before = window[index - 1] ?? 0;
    const before3 = before | ((window[index - 2] ?? 0) << 8) | ((window[index - 3] ?? 0) << 16);
    const ahead3 = plain | ((window[index + 1] ?? 0) << 8) | ((window[index + 2] ?? 0) << 16);
    const alike =
      (this.#back(place, 4) ? 1 : 0) |
      (this.#back(place, 8) ? 2 : 0) |
      (this.#back(place, 16) ? 4 : 0) |
      (this.#back(place, 24) ? 8 : 0);
    const trail = this.#trail;
    const step = position & 3;
    const contexts = this.#flags.contexts;
    contexts[0] = hash(1, Math.min(this.#since, 31), Math.min(this.#streak, 3), trust);
    contexts[1] = hash(2, trail & 0xffff);
    contexts[2] = hash(3, before3, trail & 15);
    contexts[3] = hash(4, position & 7, trail & 0xff);
    contexts[4] = hash(5, alike, trail & 7, trust);
    contexts[5] = hash(6, ahead3, trail & 3);
    contexts[6] = hash(7, trust, this.#references.record);
    contexts[7] = hash(8, trust, before, (plain - expected) & 255);
    contexts[8] = hash(9, word(window, index - step) >> 10, step);
  }

  #value(coder: BitCoder, place: Overlay, expected: number, trust: number, byte: number): number {
    const { window, index, position } = place;
    const plain = window[index] ?? 0;
    const before = window[index - 1] ?? 0;
    const last = this.#back(place, 1);
    const carry = before + last > 255 ? 1 : 0;
    const streak = Math.min(this.#streak, 3);
    const step = position & 3;
    const contexts = this.#values.contexts;
    contexts[0] = hash(31, last, carry, streak);
    contexts[1] = hash(32, plain, before, window[index - 2] ?? 0);
    contexts[2] = hash(33, this.#back(place, 4), this.#back(place, 8));
    contexts[3] = hash(34, this.#back(place, 24), this.#back(place, 16));
    contexts[4] = hash(35, this.#first, this.#firstBefore, streak);
    contexts[5] = hash(36, trust, this.#first);
    contexts[6] = hash(37, word(window, index - step) >> 10, step);
    contexts[7] = hash(38, expected, plain, trust);
    const difference = (byte - plain) & 255;
    let node = 1;
    for (let bit = 7; bit >= 0; bit -= 1)
      node = node * 2 + this.#values.code(coder, node, node | (streak << 8), (difference >> bit) & 1);
    const coded = node & 255;
    if (streak === 0) {
      this.#firstBefore = this.#first;
      this.#first = coded;
    }
    return (plain + coded) & 255;
  }

  /** The difference `count` bytes ago. */
  #back(place: Overlay, count: number): number {
    return this.#recent[(place.position + place.shift - count) & (RECENT - 1)] ?? 0;
  }
}
