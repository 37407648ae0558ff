import type { Overlay } from './changed-model.ts';
import type { ModelMemory, Moves } from './model-memory.ts';
import { word } from './seeds.ts';

/**
 * Guesses how addresses in moved code change. An x86-64 instruction names its target by the distance to it, so code that
 * did not change differs wherever something between it and its target grew. What one reference to a place became
 * tells what the next reference to that place becomes: the place moved by so much, from wherever it is seen. So one
 * learned number explains thousands of differences.
 *
 * Works on positions in the base image alone; nothing is known of files, sections or symbols. A wrong guess costs bits,
 * never correctness.
 */

const DISTANCE_BYTES = 4;
/** Distances beyond this are no distances: no program of ours is larger. */
const DISTANCE_MAX = 2 ** 27;
/** Places move by less than this; more is a misread instruction. */
const MOVE_MAX = 2 ** 24;
/** Surroundings of a place, near and wide. */
const REGION_BYTES = 256;
const WIDE_BYTES = 65_536;

/** How a distance is announced. */
const CALL = 1;
const JUMP = 2;
const BRANCH = 3;
const DATA = 4;
const KINDS = 5;

export class ReferenceTracker {
  readonly #base_bytes: number;
  readonly #exact: MoveTable;
  readonly #region: MoveTable;
  readonly #wide: MoveTable;
  /** Whether the last guesses of each kind were wrong, one bit each, newest lowest. */
  readonly #records = new Int32Array(KINDS);
  /** Bytes of the present distance that are done, or -1 outside of one. */
  #step = -1;
  #kind = 0;
  /** Where the guess is from: 3 the exact place, 2 and 1 its surroundings, 0 the last reference of all. */
  #source = 0;
  #moves = 0;
  #right = 1;
  #goal = 0;
  #distance = 0;
  #guess = 0;
  #actual = 0;
  #last = 0;

  constructor(base_bytes: number, { moves }: ModelMemory) {
    this.#base_bytes = base_bytes;
    this.#exact = new MoveTable(moves.exact);
    this.#region = new MoveTable(moves.region);
    this.#wide = new MoveTable(moves.wide);
  }

  /** Forgets a distance that was begun: the next byte is somewhere else. */
  leave(): void {
    this.#step = -1;
  }

  /** Looks at the next byte of the base; a distance may begin there. */
  look({ window, index, position, shift }: Overlay): void {
    if (this.#step >= 0) return;
    const kind = kindOf(window[index - 2] ?? 0, window[index - 1] ?? 0);
    if (kind === 0) return;
    const distance = word(window, index);
    const goal = position + DISTANCE_BYTES + distance;
    if (distance >= DISTANCE_MAX || distance <= -DISTANCE_MAX || goal < 0 || goal >= this.#base_bytes) return;
    const moved = this.#moveOf(goal);
    this.#step = 0;
    this.#kind = kind;
    this.#goal = goal;
    this.#distance = distance;
    this.#guess = (distance + moved - shift) | 0;
    this.#moves = moved === shift ? 0 : 1;
    this.#right = 1;
    this.#actual = 0;
  }

  /** Whether the byte looked at belongs to a distance. */
  get active(): boolean {
    return this.#step >= 0;
  }

  /** The byte that is expected in the target over `plain` in the base. */
  expect(plain: number): number {
    return this.#right === 1 ? (this.#guess >>> (8 * this.#step)) & 0xff : plain;
  }

  /** Everything that tells how far to trust the guess, as one number below 512. */
  get context(): number {
    return ((this.#kind * 4 + this.#step) * 4 + this.#source) * 4 + this.#moves * 2 + this.#right;
  }

  /** The same in short, below 168. */
  get selector(): number {
    return (this.#kind * 4 + this.#step) * 8 + this.#source * 2 + this.#right;
  }

  /** How guesses of this kind went lately, 8 bits. */
  get record(): number {
    return (this.#records[this.#kind] ?? 0) & 0xff;
  }

  /** Tells what the byte in the target is, after `look`. */
  learn(byte: number, shift: number): void {
    if (this.#step < 0) return;
    if (byte !== ((this.#guess >>> (8 * this.#step)) & 0xff)) this.#right = 0;
    this.#actual |= byte << (8 * this.#step);
    this.#step += 1;
    if (this.#step < DISTANCE_BYTES) return;
    this.#step = -1;
    this.#records[this.#kind] = ((this.#records[this.#kind] ?? 0) << 1) | (1 - this.#right);
    const change = (this.#actual - this.#distance) | 0;
    if (change >= MOVE_MAX || change <= -MOVE_MAX) return;
    this.#last = change + shift;
    this.#exact.set(this.#goal, this.#last);
    this.#region.set(Math.floor(this.#goal / REGION_BYTES), this.#last);
    this.#wide.set(Math.floor(this.#goal / WIDE_BYTES), this.#last);
  }

  #moveOf(goal: number): number {
    this.#source = 3;
    let moved = this.#exact.get(goal);
    if (moved !== undefined) return moved;
    this.#source = 2;
    moved = this.#region.get(Math.floor(goal / REGION_BYTES));
    if (moved !== undefined) return moved;
    this.#source = 1;
    moved = this.#wide.get(Math.floor(goal / WIDE_BYTES));
    if (moved !== undefined) return moved;
    this.#source = 0;
    return this.#last;
  }
}

/**
 * Opcodes in front of a distance: E8 call, E9 jump, 0F 8x conditional jump, and a ModRM byte with mod 0 and r/m 5
 * (relative to RIP). Source: Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2.
 */
function kindOf(second: number, last: number): number {
  if (last === 0xe8) return CALL;
  if (last === 0xe9) return JUMP;
  if ((last & 0xc7) === 0x05) return DATA;
  return (last & 0xf0) === 0x80 && second === 0x0f ? BRANCH : 0;
}

/** By how much places moved; a newer entry takes the room of an older one with the same hash. */
class MoveTable {
  readonly #places: Int32Array;
  readonly #moves: Int32Array;

  constructor({ places, moves }: Moves) {
    this.#places = places;
    this.#moves = moves;
  }

  get(place: number): number | undefined {
    const slot = this.#slot(place);
    return this.#places[slot] === (place | 0) ? this.#moves[slot] : undefined;
  }

  set(place: number, moved: number): void {
    const slot = this.#slot(place);
    this.#places[slot] = place | 0;
    this.#moves[slot] = moved;
  }

  #slot(place: number): number {
    return (Math.imul(place | 0, 0x9e3779b1) >>> 8) & (this.#places.length - 1);
  }
}
