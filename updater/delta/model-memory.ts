import { HISTORY_BYTES, MODEL_SLOTS_BITS } from './limits.ts';

/** A slot with an even chance that has seen nothing, see context-mixer.ts. */
const EVEN_SLOT = 2048 << 4;
const REPETITIONS = 2 ** 16;

/** What places moved by, found by hash: the place, and its move. */
export interface Moves {
  places: Int32Array;
  moves: Int32Array;
}

/**
 * The large arrays of the models of one piece, 4 MB. Taken for a piece and given back, so that a delta of many pieces needs
 * them once: garbage of this size is collected too late for a box with 64 MB.
 */
export class ModelMemory {
  /** Chances of all contexts, found by hash: what a piece does not need leaves room for what it needs. */
  readonly slots = new Uint16Array(2 ** MODEL_SLOTS_BITS);
  /** New bytes, and where in them what was seen last. */
  readonly history = new Uint8Array(HISTORY_BYTES);
  readonly repetitions = new Int32Array(REPETITIONS);
  /** What exact places moved by, what their surroundings did, and their wide surroundings. */
  readonly moves = { exact: makeMoves(17), region: makeMoves(13), wide: makeMoves(10) };

  static readonly #idle: ModelMemory[] = [];

  /** A cleared one. Give it back with `release`. */
  static take(): ModelMemory {
    const memory = ModelMemory.#idle.pop() ?? new ModelMemory();
    memory.slots.fill(EVEN_SLOT);
    memory.history.fill(0);
    memory.repetitions.fill(-1);
    for (const { places } of Object.values(memory.moves)) places.fill(-1);
    return memory;
  }

  /** Keeps one for the next piece; more are only needed when pieces are decoded at the same time. */
  release(): void {
    if (ModelMemory.#idle.length === 0) ModelMemory.#idle.push(this);
  }
}

function makeMoves(bits: number): Moves {
  return { places: new Int32Array(2 ** bits), moves: new Int32Array(2 ** bits) };
}
