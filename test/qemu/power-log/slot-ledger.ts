import { SLOTS, type Slot } from '../../../partitions/slot.ts';
import { BLOCK_BYTES, SECTOR_BYTES } from '../../../partitions/slot-blob.ts';
import type { Range } from './disk-shape.ts';
import type { KnownRelease } from './known-release.ts';

/**
 * How far the bytes of each slot are from each known release, in sectors: kept up to date by what is written, so that judging costs what
 * was written and not what a slot holds. Bit `r` of a sector is set when it differs from release `r`.
 */
const READ_BYTES = 1024 * 1024;
const RELEASES_MAX = 8;
const FIRST_BLOCK_SECTORS = BLOCK_BYTES / SECTOR_BYTES;

/** Numbers of a slot and a release: sectors that differ, and those among them that GRUB hashes. */
export type Counts = Int32Array;

export function countsIndex(slot: Slot, release: number, releases: number): number {
  return (SLOTS.indexOf(slot) * releases + release) * 2;
}

export class SlotLedger {
  /** As far as the longest release reaches. */
  readonly range: Range;
  readonly bits: Uint8Array;
  /**
   * By release: the sector that is the first to differ from it. The first block is passed over: in a slot that is being written it
   * comes last.
   */
  readonly frontiers: number[];
  readonly #boot: Uint8Array;
  readonly #slot: Slot;
  readonly #releases: readonly KnownRelease[];

  constructor(slot: Slot, partition: Range, releases: readonly KnownRelease[]) {
    if (releases.length > RELEASES_MAX) throw new Error(`more than ${RELEASES_MAX} releases`);
    const longest_bytes = Math.max(...releases.map((release) => release.blob_bytes));
    const { start_bytes, end_bytes } = partition;
    this.range = { start_bytes, end_bytes: Math.min(end_bytes, start_bytes + longest_bytes) };
    const sectors = (this.range.end_bytes - start_bytes) / SECTOR_BYTES;
    this.bits = new Uint8Array(sectors);
    this.#boot = new Uint8Array(sectors);
    this.frontiers = releases.map(() => FIRST_BLOCK_SECTORS);
    this.#slot = slot;
    this.#releases = releases;
    for (const [number, release] of releases.entries()) {
      for (const { start, count } of release.bootRuns) {
        for (let sector = start; sector < start + count; sector += 1)
          this.#boot[sector] = (this.#boot[sector] ?? 0) | (1 << number);
      }
    }
  }

  /** Takes over what a disk holds. */
  load(readDisk: (offset_bytes: number, size_bytes: number) => Uint8Array, counts: Counts): void {
    const { start_bytes, end_bytes } = this.range;
    for (let at_bytes = start_bytes; at_bytes < end_bytes; at_bytes += READ_BYTES) {
      const data = readDisk(at_bytes, Math.min(READ_BYTES, end_bytes - at_bytes));
      const first = (at_bytes - start_bytes) / SECTOR_BYTES;
      for (const [at, after] of this.compare(first, data).entries()) {
        this.count(first + at, 0, after, counts);
        this.bits[first + at] = after;
      }
    }
    this.#advance();
  }

  /** Takes over what sectors hold now. */
  set(first: number, bits: Uint8Array): void {
    this.bits.set(bits, first);
    for (const [release, frontier] of this.frontiers.entries()) {
      const from = Math.max(0, FIRST_BLOCK_SECTORS - first);
      const at = bits.findIndex((value, index) => index >= from && ((value >> release) & 1) === 1);
      if (at >= 0 && first + at < frontier) this.frontiers[release] = first + at;
    }
    this.#advance();
  }

  /** The bits of sectors with this content, whatever they hold now. */
  compare(first: number, data: Uint8Array): Uint8Array {
    const bits = new Uint8Array(data.length / SECTOR_BYTES);
    for (const [number, release] of this.#releases.entries()) {
      const start_bytes = first * SECTOR_BYTES;
      const length_bytes = Math.min(data.length, release.blob_bytes - start_bytes);
      if (length_bytes <= 0) continue;
      const wanted = release.read(start_bytes, length_bytes);
      if (Buffer.compare(wanted, data.subarray(0, length_bytes)) === 0) continue;
      for (let at_bytes = 0; at_bytes < length_bytes; at_bytes += SECTOR_BYTES) {
        const end_bytes = at_bytes + SECTOR_BYTES;
        if (Buffer.compare(wanted.subarray(at_bytes, end_bytes), data.subarray(at_bytes, end_bytes)) !== 0) {
          const sector = at_bytes / SECTOR_BYTES;
          bits[sector] = (bits[sector] ?? 0) | (1 << number);
        }
      }
    }
    return bits;
  }

  /**
   * Books the change of one sector from one set of bits to another.
   *
   * @returns true when a count has become zero or has stopped to be
   */
  count(sector: number, before: number, after: number, counts: Counts): boolean {
    if (before === after) return false;
    const boot = this.#boot[sector] ?? 0;
    let crossed = false;
    for (let release = 0; release < this.#releases.length; release += 1) {
      const change = ((after >> release) & 1) - ((before >> release) & 1);
      if (change === 0) continue;
      const place = countsIndex(this.#slot, release, this.#releases.length);
      crossed = add(counts, place, change) || crossed;
      if (((boot >> release) & 1) === 1) crossed = add(counts, place + 1, change) || crossed;
    }
    return crossed;
  }

  /** Behind what has become equal. */
  #advance(): void {
    for (const [release, frontier] of this.frontiers.entries()) {
      let sector = frontier;
      while (sector < this.bits.length && (((this.bits[sector] ?? 0) >> release) & 1) === 0) sector += 1;
      this.frontiers[release] = sector;
    }
  }
}

function add(counts: Counts, place: number, change: number): boolean {
  const before = counts[place] ?? 0;
  counts[place] = before + change;
  return before === 0 || before + change === 0;
}
