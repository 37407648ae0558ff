import type { BitCoder } from './bit-coder.ts';
import { MODEL_SLOTS_BITS } from './limits.ts';
import { squash, stretch } from './logistic.ts';

/** A slot is a probability in 4096ths and, in the lowest bits, how many bits it has seen. */
const SEEN_BITS = 4;
const SEEN_MAX = 2 ** SEEN_BITS - 1;
const CHANCE_MAX = 4095;
/** How far a probability moves towards a bit after it has seen so many. */
const STEP = Float64Array.from({ length: SEEN_MAX + 1 }, (_, seen) => 1 / (seen + 1.6));
const WEIGHT_START = 0.3;
/** A constant input, so that a mixer can lean to one side by itself. */
const BIAS = 0.4;
/** Spreads the bits of one value over the slots of its context. */
const NODE_SPREAD = 0x9e3779b1;

/**
 * Predicts a bit from several contexts at once. Each context is a hash that leads to a probability; these are added as
 * logits with weights, and both weights and probabilities learn from what the bit was.
 */
export class ContextMixer {
  /** Hashes of the contexts of the next bits; set by the caller. */
  readonly contexts: Int32Array;
  readonly #slots: Uint16Array;
  readonly #inputs: number;
  readonly #rate: number;
  readonly #places: Int32Array;
  readonly #logits: Float32Array;
  readonly #weights: Float32Array;

  /**
   * @param slots     of the piece, shared by all its mixers (model-memory.ts)
   * @param inputs    number of contexts
   * @param selectors sets of weights; the caller says for each bit which one
   * @param rate      how fast weights move
   */
  constructor(slots: Uint16Array, inputs: number, selectors: number, rate: number) {
    this.#slots = slots;
    this.#inputs = inputs;
    this.#rate = rate;
    this.contexts = new Int32Array(inputs);
    this.#places = new Int32Array(inputs);
    this.#logits = new Float32Array(inputs);
    this.#weights = new Float32Array((inputs + 1) * selectors).fill(WEIGHT_START);
  }

  /**
   * Codes one bit.
   *
   * @param node     tells the bits of one value apart: what was coded of it so far, with a 1 in front
   * @param selector which set of weights
   */
  code(coder: BitCoder, node: number, selector: number, bit: number): number {
    const slots = this.#slots;
    const places = this.#places;
    const logits = this.#logits;
    const weights = this.#weights;
    const inputs = this.#inputs;
    const first = selector * (inputs + 1);
    const spread = Math.imul(node, NODE_SPREAD);
    let sum = BIAS * (weights[first + inputs] ?? 0);
    for (let input = 0; input < inputs; input += 1) {
      const place = Math.imul((this.contexts[input] ?? 0) + spread, 0x2c1b3c6d) >>> (32 - MODEL_SLOTS_BITS);
      const logit = stretch((slots[place] ?? 0) >>> SEEN_BITS);
      places[input] = place;
      logits[input] = logit;
      sum += logit * (weights[first + input] ?? 0);
    }
    const chance = squash(sum);
    const coded = coder.code(chance, bit);
    const correction = ((coded * 65536 - chance) / 65536) * this.#rate;
    for (let input = 0; input < inputs; input += 1) {
      weights[first + input] = (weights[first + input] ?? 0) + correction * (logits[input] ?? 0);
      const place = places[input] ?? 0;
      slots[place] = learned(slots[place] ?? 0, coded);
    }
    weights[first + inputs] = (weights[first + inputs] ?? 0) + correction * BIAS;
    return coded;
  }
}

/** A slot after one more bit. Rounded away from where it was: a probability that stands still is never quite sure. */
function learned(slot: number, bit: number): number {
  const seen = slot & SEEN_MAX;
  const chance = slot >>> SEEN_BITS;
  const step = STEP[seen] ?? 0;
  const next =
    bit === 1 ? chance + Math.ceil((CHANCE_MAX - chance) * step) : chance - Math.ceil(chance * step);
  return (next << SEEN_BITS) | (seen < SEEN_MAX ? seen + 1 : seen);
}

/** A context from up to four numbers of 32 bits. */
export function contextHash(a: number, b: number, c = 0, d = 0): number {
  let hash = Math.imul(a, 0x9e3779b1) ^ Math.imul(b + 0x7f4a7c15, 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 15) ^ Math.imul(c + 1, 0xc2b2ae35), 0x27d4eb2f);
  hash = Math.imul(hash ^ (hash >>> 13) ^ Math.imul(d + 1, 0x165667b1), 0x2c1b3c6d);
  return hash ^ (hash >>> 16);
}

/** Makes a context mean the same at every node, for one that speaks of the bit itself. */
export function acrossNodes(context: number, node: number): number {
  return (context - Math.imul(node, NODE_SPREAD)) | 0;
}
