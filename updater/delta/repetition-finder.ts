import { contextHash as hash } from './context-mixer.ts';
import type { ModelMemory } from './model-memory.ts';

/** A repetition is looked for by the last bytes, and believed when at least so many are equal. */
const EQUAL_MIN = 5;
const EQUAL_COUNTED = 16;

/** Finds where in the bytes so far the last ones stood before, to guess the next. */
export class RepetitionFinder {
  readonly #history: Uint8Array;
  readonly #seen: Int32Array;
  #end = 0;
  /** Where in the history the repetition goes on, or -1; how long it is. */
  #next = -1;
  #length = 0;

  constructor(memory: ModelMemory) {
    this.#history = memory.history;
    this.#seen = memory.repetitions;
  }

  /** The byte that comes next if the repetition goes on; -1 without one. */
  get expected(): number {
    return this.#next < 0 ? -1 : (this.#history[this.#next] ?? 0);
  }

  /** Bytes that the repetition has been right for. */
  get length(): number {
    return this.#length;
  }

  push(byte: number): void {
    const mask = this.#history.length - 1;
    if (this.expected === byte) {
      this.#length += 1;
      this.#next = (this.#next + 1) & mask;
    } else {
      this.#next = -1;
      this.#length = 0;
    }
    this.#history[this.#end] = byte;
    this.#end = (this.#end + 1) & mask;
    const last = this.#back(1) | (this.#back(2) << 8) | (this.#back(3) << 16) | (this.#back(4) << 24);
    const slot = hash(last, this.#back(5)) & (this.#seen.length - 1);
    if (this.#next < 0) this.#take(this.#seen[slot] ?? -1);
    this.#seen[slot] = this.#end;
  }

  #take(place: number): void {
    if (place < 0) return;
    const mask = this.#history.length - 1;
    let equal = 0;
    while (equal < EQUAL_COUNTED && this.#history[(place - 1 - equal) & mask] === this.#back(equal + 1))
      equal += 1;
    if (equal < EQUAL_MIN) return;
    this.#next = place;
    this.#length = equal;
  }

  #back(count: number): number {
    return this.#history[(this.#end - count) & (this.#history.length - 1)] ?? 0;
  }
}
