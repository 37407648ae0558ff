import type { BitCoder } from './bit-coder.ts';
import { acrossNodes, ContextMixer, contextHash as hash } from './context-mixer.ts';
import type { ModelMemory } from './model-memory.ts';
import { RepetitionFinder } from './repetition-finder.ts';

const INPUTS = 10;
const RATE = 0.015;
/** Longer repetitions are not trusted more. */
const REPETITION_MAX = 31;

/** Codes bytes that the base does not have, from the bytes before them and from their own repetitions. */
export class FreshModel {
  readonly #mixer: ContextMixer;
  readonly #repetition: RepetitionFinder;

  constructor(memory: ModelMemory) {
    this.#mixer = new ContextMixer(memory.slots, INPUTS, 512, RATE);
    this.#repetition = new RepetitionFinder(memory);
  }

  /**
   * @param near   the four bytes in front, the newest in the lowest byte
   * @param far    the four bytes in front of those
   * @param facing what the base has where the last copy would have gone on
   * @param byte   of the target; ignored when `coder` reads
   */
  code(coder: BitCoder, near: number, far: number, facing: number, byte: number): number {
    const contexts = this.#mixer.contexts;
    contexts[0] = hash(61, 0);
    contexts[1] = hash(62, near & 0xff);
    contexts[2] = hash(63, near & 0xffff);
    contexts[3] = hash(64, near & 0xffffff);
    contexts[4] = hash(65, near);
    contexts[5] = hash(66, near, far & 0xffff);
    contexts[6] = hash(67, facing, near & 0xff);
    contexts[7] = hash(68, near & 0xff00);
    contexts[8] = hash(69, near & 0xffff00);
    const { expected, length } = this.#repetition;
    let node = 1;
    for (let at = 7; at >= 0; at -= 1) {
      // The repetition has its say for as long as the bits so far are those it expects.
      const live = expected >= 0 && (expected | 256) >> (at + 1) === node;
      const say = live ? Math.min(length, REPETITION_MAX) * 2 + ((expected >> at) & 1) : -1;
      contexts[9] = acrossNodes(hash(70, say), node);
      node = node * 2 + this.#mixer.code(coder, node, node | (live ? 256 : 0), (byte >> at) & 1);
    }
    const coded = node & 255;
    this.#repetition.push(coded);
    return coded;
  }
}
