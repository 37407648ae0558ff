import { AdaptiveBits } from './adaptive-bits.ts';
import type { BitCoder } from './bit-coder.ts';
import { ChangedModel, type Overlay } from './changed-model.ts';
import { FreshModel } from './fresh-model.ts';
import type { ModelMemory } from './model-memory.ts';
import { NumberModel } from './number-model.ts';

/**
 * A piece is a byte with the version of the format and one arithmetic-coded sequence of tokens, which ends when the
 * piece has yielded what it has to. There is a place in the base, at first 0:
 *
 * - RUN      n bytes of the base; the place moves on
 * - CHANGED  n bytes that lie over n bytes of the base and mostly equal them; the place moves on
 * - FRESH    n bytes of their own; the place stays
 * - JUMP     another place; a RUN or CHANGED follows
 */
export const PIECE_FORMAT = 1;
export const RUN = 0;
export const CHANGED = 1;
export const FRESH = 2;
export const JUMP = 3;

/** Contexts of numbers. Lengths are learned by the token before, those of changed bytes by the run in front of them. */
const RUN_LENGTH = 0;
const FRESH_LENGTH = 4;
const FORWARD = 8;
const BACK = 9;
const CHANGED_LENGTH = 10;
const CHANGED_KINDS = 16;

/** Contexts of decisions: tokens by the two before, four bits each; then these. */
const TOKENS = 64;
const RAW = TOKENS;
const DIRECTION = TOKENS + 1;
const PLACE = TOKENS + 2;
/** Diagonals, places in the base minus places in the target, that are remembered to jump back to. */
const DIAGONALS = 4;

/**
 * Everything that both sides of the codec know about a piece, and every decision in it as one method that runs both
 * ways: when the coder writes, the argument goes out; when it reads, the argument is ignored. What comes back is the truth.
 */
export class PieceModel {
  readonly #coder: BitCoder;
  readonly #decisions = new AdaptiveBits(PLACE + DIAGONALS);
  readonly #numbers = new NumberModel(CHANGED_LENGTH + CHANGED_KINDS);
  readonly #changed: ChangedModel;
  readonly #fresh: FreshModel;
  readonly #diagonals: number[] = [0];
  /** The last two tokens. */
  #last = JUMP;
  #before = JUMP;
  #run = 0;
  /** The last eight bytes of the target, the newest in the lowest byte of `#near`. */
  #near = 0;
  #far = 0;

  constructor(coder: BitCoder, base_bytes: number, memory: ModelMemory) {
    this.#coder = coder;
    this.#changed = new ChangedModel(base_bytes, memory);
    this.#fresh = new FreshModel(memory);
  }

  token(token: number): number {
    const context = (this.#before * 4 + this.#last) * 4;
    const high = this.#decisions.code(this.#coder, context + 1, token >> 1);
    const coded = high * 2 + this.#decisions.code(this.#coder, context + 2 + high, token & 1);
    this.#before = this.#last;
    this.#last = coded;
    if (coded === CHANGED && this.#before !== CHANGED) this.#changed.begin();
    return coded;
  }

  /** @param length at least 1 */
  runLength(length: number): number {
    this.#run = this.#numbers.code(this.#coder, RUN_LENGTH + this.#before, length - 1) + 1;
    return this.#run;
  }

  /** @param length at least 1 */
  changedLength(length: number): number {
    const kind = this.#before === RUN ? Math.min(CHANGED_KINDS - 1, Math.floor(Math.log2(this.#run))) : 0;
    return this.#numbers.code(this.#coder, CHANGED_LENGTH + kind, length - 1) + 1;
  }

  /** @param length at least 1 */
  freshLength(length: number): number {
    return this.#numbers.code(this.#coder, FRESH_LENGTH + this.#before, length - 1) + 1;
  }

  /** Whether the fresh bytes are as good as random and stand there as they are. */
  freshRaw(raw: boolean): boolean {
    return this.#decisions.code(this.#coder, RAW, raw ? 1 : 0) === 1;
  }

  /**
   * @param place present place in the base
   * @param at    in the target
   * @param from  next place in the base; when reading, what comes back may be any number, even none
   */
  jump(place: number, at: number, from: number): number {
    const known = this.#diagonals.indexOf(from - at);
    let choice = 0;
    while (
      choice < DIAGONALS &&
      this.#decisions.code(this.#coder, PLACE + choice, choice === known ? 1 : 0) === 0
    )
      choice += 1;
    const next =
      choice < DIAGONALS ? at + (this.#diagonals[choice] ?? Number.NaN) : this.#distance(place, from);
    this.moved(at, next);
    return next;
  }

  /** Takes notice that the next copy lies at `from`, with a jump or after fresh bytes. */
  moved(at: number, from: number): void {
    const diagonals = this.#diagonals;
    const known = diagonals.indexOf(from - at);
    if (known === 0) return;
    if (known > 0) diagonals.splice(known, 1);
    else if (diagonals.length === DIAGONALS) diagonals.pop();
    diagonals.unshift(from - at);
  }

  /** One byte of CHANGED. */
  changedByte(place: Overlay, byte: number): number {
    const coded = this.#changed.code(this.#coder, place, byte);
    this.copied(coded);
    return coded;
  }

  /** One byte of FRESH. @param facing what the base has where the last copy would have gone on */
  freshByte(raw: boolean, facing: number, byte: number): number {
    let coded = 0;
    if (raw)
      for (let bit = 7; bit >= 0; bit -= 1) coded = coded * 2 + this.#coder.code(32768, (byte >> bit) & 1);
    else coded = this.#fresh.code(this.#coder, this.#near, this.#far, facing, byte);
    this.copied(coded);
    return coded;
  }

  /** Takes notice of a byte of the target; of a run the last eight are enough. */
  copied(byte: number): void {
    this.#far = (this.#far << 8) | (this.#near >>> 24);
    this.#near = (this.#near << 8) | byte;
  }

  #distance(place: number, from: number): number {
    const back = this.#decisions.code(this.#coder, DIRECTION, from < place ? 1 : 0);
    const distance = this.#numbers.code(this.#coder, back === 1 ? BACK : FORWARD, Math.abs(from - place));
    return back === 1 ? place - distance : place + distance;
  }
}
