import { BLOCK_BYTES } from '../../partitions/slot-blob.ts';
import { type Copy, equalRun } from './alignment.ts';
import { matchBlocks } from './block-match.ts';
import { FarIndex } from './far-index.ts';
import { PROGRESS_STEP_BYTES } from './limits.ts';
import { SeedIndex } from './seed-index.ts';
import { PLAIN_SEED, ROW_BYTES, ROW_SEED, word } from './seeds.ts';

/** A run of this many equal bytes on the present diagonal is not left for a longer one elsewhere. */
const STAY_BYTES = 32;
/** How many more bytes than the present diagonal another one must explain: what a jump costs, and more. */
const GAIN_MIN_BYTES = 14;
/** Nor is anything searched where so many of so many bytes on it are equal. */
const ALIKE_BYTES = 64;
const ALIKE_MIN_BYTES = 57;
/** The same for rows of a table, which are equal when they differ alike from the rows above. */
const ROWS_STAY_BYTES = 48;
const ROWS_GAIN_MIN_BYTES = 72;
/** Bytes in a row that a diagonal does not explain, so that they are replaced and not changed. */
const REPLACED_MIN_BYTES = 48;
/** After so many bytes without success only every fourth is tried: new files are mostly compressed ones. */
const HOPELESS_BYTES = 2048;
const HOPELESS_STEP_BYTES = 4;
/** Candidates of one seed that are compared. */
const CANDIDATES = 12;
/** Comparing further than this does not change which candidate is the best. */
const COMPARED_BYTES = 4096;

/**
 * Lays the target over the base: which part comes from where. Whole blocks at their old place or moved are found by
 * comparing and by hash; in what remains runs are found by seeds and extended over bytes that differ, because code whose
 * addresses changed is still that code.
 *
 * A diagonal is the difference of place in base and target; to stay on one costs nothing.
 */
export function alignImages(
  base: Uint8Array,
  target: Uint8Array,
  onProgress: (done_bytes: number) => void = () => {},
): Copy[] {
  return new Alignment(base, target).run(onProgress);
}

class Alignment {
  readonly #base: Uint8Array;
  readonly #target: Uint8Array;
  readonly #baseOf: Int32Array;
  readonly #near: SeedIndex;
  readonly #rows: SeedIndex;
  readonly #far: FarIndex;
  readonly #copies: Copy[] = [];
  /** Best candidate of the last search. */
  #from = 0;
  #run = 0;

  constructor(base: Uint8Array, target: Uint8Array) {
    this.#base = base;
    this.#target = target;
    const { baseOf, unused } = matchBlocks(base, target);
    this.#baseOf = baseOf;
    const changed = baseOf.some((block, place) => block !== place);
    this.#near = new SeedIndex(base, ranges(unused), PLAIN_SEED);
    this.#rows = new SeedIndex(base, ranges(unused), ROW_SEED);
    this.#far = new FarIndex(base, changed);
  }

  run(onProgress: (done_bytes: number) => void): Copy[] {
    const size = this.#target.length;
    let open: Copy = { at: 0, from: 0, length: 0 };
    let reported = 0;
    let missed = 0;
    for (let at = 0; at < size; ) {
      if (at >= reported) {
        onProgress(at);
        reported = at + PROGRESS_STEP_BYTES;
      }
      if (this.#find(at, open.from - open.at)) {
        open = this.#turn(open, at, this.#from);
        at += this.#run;
        open.length = at - open.at;
        missed = 0;
      } else {
        missed += 1;
        at += missed < HOPELESS_BYTES ? 1 : HOPELESS_STEP_BYTES - (at % HOPELESS_STEP_BYTES);
      }
    }
    this.#extend(open, size);
    this.#copies.push(open);
    return this.#copies.filter(({ length }) => length > 0);
  }

  /** Whether a run begins at `at` that is worth taking; it is in `#from` and `#run` then. */
  #find(at: number, diagonal: number): boolean {
    const own = at + diagonal;
    this.#from = own;
    this.#run = this.#stay(at, diagonal);
    if (this.#run >= STAY_BYTES || at + this.#run === this.#target.length) return true;
    if (at % 4 === 0) {
      const rows = this.#rowRun(at, own);
      this.#run = rows;
      if (rows >= ROWS_STAY_BYTES) return true;
      this.#searchRows(at, own);
      if (this.#run >= rows + ROWS_GAIN_MIN_BYTES) return true;
    }
    if (this.#equalOn(diagonal, at, ALIKE_BYTES) >= ALIKE_MIN_BYTES) return false;
    this.#search(at, own);
    return (
      this.#run >= GAIN_MIN_BYTES && this.#run >= this.#equalOn(diagonal, at, this.#run) + GAIN_MIN_BYTES
    );
  }

  /** Equal bytes from `at` on while the diagonal is not left. Whole blocks were compared before. */
  #stay(at: number, diagonal: number): number {
    let end = at;
    for (;;) {
      const block = end / BLOCK_BYTES;
      if (Number.isInteger(block) && this.#baseOf[block] === block + diagonal / BLOCK_BYTES) {
        end += BLOCK_BYTES;
        continue;
      }
      const from = end + diagonal;
      if (from < 0) return end - at;
      const most = BLOCK_BYTES - (end % BLOCK_BYTES);
      const run = equalRun(this.#target, end, this.#base, from, most);
      end += run;
      if (run < most) return end - at;
    }
  }

  #search(at: number, expected: number): void {
    this.#run = 0;
    const block = at / BLOCK_BYTES;
    const whole = Number.isInteger(block) ? (this.#baseOf[block] ?? -1) : -1;
    if (whole >= 0) {
      this.#from = whole * BLOCK_BYTES;
      this.#run = BLOCK_BYTES;
      return;
    }
    const consider = (from: number) => {
      const run = equalRun(this.#target, at, this.#base, from, COMPARED_BYTES);
      if (run > this.#run) {
        this.#run = run;
        this.#from = from;
      }
    };
    // The same place first: on a tie the file that lies there is the better guess.
    consider(at);
    this.#near.nearest(this.#target, at, expected, CANDIDATES, consider);
    this.#far.find(this.#target, at, consider);
  }

  /** Bytes from `at` and `from` on whose words differ from those one row on by the same. */
  #rowRun(at: number, from: number): number {
    const end = Math.min(
      COMPARED_BYTES,
      this.#target.length - at - ROW_BYTES,
      this.#base.length - from - ROW_BYTES,
    );
    if (from < 0) return 0;
    let run = 0;
    while (run + 4 <= end) {
      const own = (word(this.#target, at + run + ROW_BYTES) - word(this.#target, at + run)) | 0;
      const other = (word(this.#base, from + run + ROW_BYTES) - word(this.#base, from + run)) | 0;
      if (own !== other) break;
      run += 4;
    }
    return run;
  }

  #searchRows(at: number, expected: number): void {
    this.#run = 0;
    this.#rows.nearest(this.#target, at, expected, CANDIDATES, (from) => {
      const run = this.#rowRun(at, from);
      if (run > this.#run) {
        this.#run = run;
        this.#from = from;
      }
    });
  }

  #equalOn(diagonal: number, at: number, length: number): number {
    let equal = 0;
    for (let place = at; place < at + length; place += 1) {
      const from = place + diagonal;
      if (from >= 0 && from < this.#base.length && this.#base[from] === this.#target[place]) equal += 1;
    }
    return equal;
  }

  /**
   * Goes on with `at` over `from`. Both this and the open copy grow into the bytes between for as long as they explain
   * most of them; what neither explains is new. On the same diagonal they are one copy if they meet.
   */
  #turn(open: Copy, at: number, from: number): Copy {
    const known = open.at + open.length;
    if (at === known && from === open.from + open.length) return open;
    this.#extend(open, at);
    let back = 0;
    let score = 0;
    let best = 0;
    for (let step = 1; at - step >= known && from >= step; step += 1) {
      score += this.#base[from - step] === this.#target[at - step] ? 1 : -1;
      if (score > best) {
        best = score;
        back = step;
      }
    }
    const start = at - back;
    const end = open.at + open.length;
    if (start - end < REPLACED_MIN_BYTES && from - at === open.from - open.at) return open;
    if (start < end) this.#share(open, start, end, from - at);
    this.#copies.push(open);
    const begin = Math.max(start, open.at + open.length);
    return { at: begin, from: begin + from - at, length: 0 };
  }

  /** Grows a copy up to `limit` for as long as more bytes are equal than not. */
  #extend(copy: Copy, limit: number): void {
    const from = copy.from - copy.at;
    const start = copy.at + copy.length;
    let score = 0;
    let best = 0;
    for (let at = start; at < limit && at + from < this.#base.length; at += 1) {
      score += this.#base[at + from] === this.#target[at] ? 1 : -1;
      if (score > best) {
        best = score;
        copy.length = at + 1 - copy.at;
      }
    }
  }

  /** Divides a stretch that both copies can explain where that leaves the fewest differences. */
  #share(open: Copy, start: number, end: number, diagonal: number): void {
    const own = open.from - open.at;
    let score = 0;
    let best = 0;
    let cut = start;
    for (let at = start; at < end; at += 1) {
      if (this.#base[at + own] === this.#target[at]) score += 1;
      if (this.#base[at + diagonal] === this.#target[at]) score -= 1;
      if (score > best) {
        best = score;
        cut = at + 1;
      }
    }
    open.length = cut - open.at;
  }
}

function ranges(blocks: Int32Array): [start: number, end: number][] {
  const result: [number, number][] = [];
  for (const block of blocks) {
    const start = block * BLOCK_BYTES;
    const last = result.at(-1);
    if (last && last[1] === start) last[1] = start + BLOCK_BYTES;
    else result.push([start, start + BLOCK_BYTES]);
  }
  return result;
}
