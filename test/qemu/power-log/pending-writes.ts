import { SLOTS } from '../../../partitions/slot.ts';
import { SECTOR_BYTES } from '../../../partitions/slot-blob.ts';
import type { DiskFacts, WatchedSectors } from './disk-facts.ts';
import { overlap } from './disk-shape.ts';
import type { SlotLedger } from './slot-ledger.ts';
import type { LogEntry } from './write-log.ts';

/** The part of a write that lies in a slot. */
interface SlotPart {
  ledger: SlotLedger;
  /** Of the slot. */
  first: number;
  /** In the write: its sector number 0 is that of the disk. */
  firstInWrite: number;
  /** Bits of its sectors (see SlotLedger): on the medium, as last written, and as this write leaves them. */
  durable: Uint8Array;
  before: Uint8Array;
  after: Uint8Array;
}

/** A write that the disk has not been told to keep yet. */
export interface PendingWrite {
  entry: LogEntry;
  parts: readonly SlotPart[];
  /** By sector of the write: which watched one it is, and the number of its content. */
  watched: ReadonlyMap<number, readonly [index: number, content: number]>;
  /** What it alone adds to the counts. */
  delta: Int32Array;
}

/** A sector of a slot that several pending writes change: the last one that is kept counts. */
interface Contested {
  ledger: SlotLedger;
  sector: number;
  durable: number;
  after: Map<number, number>;
}

/**
 * The writes since the last flush, and the facts of the disk with any of them left out. The facts with all of them are kept apart
 * (`current`), because most states that are judged are that one with a bit of the last write.
 */
export class PendingWrites {
  readonly pending: PendingWrite[] = [];
  current: DiskFacts;
  #durable: DiskFacts;
  /** Sector of the disk to the first pending write that changed it. */
  readonly #writers = new Map<number, number>();
  readonly #contested = new Map<number, Contested>();
  readonly #ledgers: readonly SlotLedger[];
  readonly #watched: WatchedSectors;

  constructor(durable: DiskFacts, ledgers: readonly SlotLedger[], watched: WatchedSectors) {
    this.#durable = durable;
    this.current = copyFacts(durable);
    this.#ledgers = ledgers;
    this.#watched = watched;
  }

  /** A flush: everything that was written stays. */
  settle(): void {
    this.#durable = copyFacts(this.current);
    this.pending.length = 0;
    this.#writers.clear();
    this.#contested.clear();
  }

  /** What a write would change; nothing is booked yet. */
  prepare(entry: LogEntry, dataOf: (from_bytes: number, to_bytes: number) => Uint8Array): PendingWrite {
    const range = { start_bytes: entry.offset_bytes, end_bytes: entry.offset_bytes + entry.size_bytes };
    const parts = this.#ledgers.flatMap((ledger): SlotPart[] => {
      const common = overlap(range, ledger.range);
      if (!common) return [];
      const from_bytes = common.start_bytes - range.start_bytes;
      const data = dataOf(from_bytes, common.end_bytes - range.start_bytes);
      const first = (common.start_bytes - ledger.range.start_bytes) / SECTOR_BYTES;
      const after = ledger.compare(first, data);
      const before = ledger.bits.slice(first, first + after.length);
      const durable = this.#durableUnder(common.start_bytes / SECTOR_BYTES, before);
      return [{ ledger, first, firstInWrite: from_bytes / SECTOR_BYTES, durable, before, after }];
    });
    const watched = new Map<number, readonly [number, number]>();
    for (const [index, place_bytes] of this.#watched.places_bytes.entries()) {
      if (place_bytes < range.start_bytes || place_bytes >= range.end_bytes) continue;
      const at_bytes = place_bytes - range.start_bytes;
      const content = this.#watched.numberOf(dataOf(at_bytes, at_bytes + SECTOR_BYTES));
      watched.set(at_bytes / SECTOR_BYTES, [index, content]);
    }
    return { entry, parts, watched, delta: new Int32Array(this.#durable.counts.length) };
  }

  /** Books a prepared write as the last one. */
  push(write: PendingWrite): void {
    const number = this.pending.push(write) - 1;
    const start = write.entry.offset_bytes / SECTOR_BYTES;
    for (const { ledger, first, firstInWrite, durable, before, after } of write.parts) {
      for (const [at, bits] of after.entries()) {
        ledger.count(first + at, before[at] ?? 0, bits, this.current.counts);
        const place = start + firstInWrite + at;
        const earlier = this.#writers.get(place);
        if (earlier === undefined) {
          this.#writers.set(place, number);
          ledger.count(first + at, durable[at] ?? 0, bits, write.delta);
          continue;
        }
        this.#contest(place, ledger, first + at, earlier, durable[at] ?? 0).after.set(number, bits);
      }
      ledger.set(first, after);
    }
    for (const [index, content] of write.watched.values()) this.current.watched[index] = content;
  }

  /** The facts of a disk that kept these of the pending writes and no other. */
  facts(isKept: (number: number) => boolean): DiskFacts {
    const { counts, watched } = copyFacts(this.#durable);
    for (const [number, write] of this.pending.entries()) {
      if (!isKept(number)) continue;
      for (let place = 0; place < counts.length; place += 1)
        counts[place] = (counts[place] ?? 0) + (write.delta[place] ?? 0);
      for (const [index, content] of write.watched.values()) watched[index] = content;
    }
    for (const { ledger, sector, durable, after } of this.#contested.values()) {
      let bits = durable;
      for (const [number, value] of after) if (isKept(number)) bits = value;
      ledger.count(sector, durable, bits, counts);
    }
    return { counts, watched };
  }

  /**
   * Adds one sector of a write that is under way to facts that do not have it yet.
   *
   * @param over `before`: everything earlier was kept; `durable`: nothing of it
   * @returns true when the facts may be judged otherwise now
   */
  addSector(write: PendingWrite, sector: number, facts: DiskFacts, over: 'before' | 'durable'): boolean {
    let changed = false;
    for (const part of write.parts) {
      const at = sector - part.firstInWrite;
      if (at < 0 || at >= part.after.length) continue;
      const { ledger, first, after } = part;
      changed = ledger.count(first + at, part[over][at] ?? 0, after[at] ?? 0, facts.counts) || changed;
    }
    const content = write.watched.get(sector);
    if (content) {
      changed ||= facts.watched[content[0]] !== content[1];
      facts.watched[content[0]] = content[1];
    }
    return changed;
  }

  /** A sector that a second pending write changes is no longer part of what the first one adds by itself. */
  #contest(place: number, ledger: SlotLedger, sector: number, earlier: number, durable: number): Contested {
    const known = this.#contested.get(place);
    if (known) return known;
    const contested: Contested = { ledger, sector, durable, after: new Map() };
    const found = this.#partOf(earlier, place);
    const bits = found?.part.after[found.at] ?? 0;
    contested.after.set(earlier, bits);
    if (found) ledger.count(sector, bits, durable, found.write.delta);
    this.#contested.set(place, contested);
    return contested;
  }

  /** What the medium holds where the pending writes are not kept. */
  #durableUnder(start: number, before: Uint8Array): Uint8Array {
    return before.map((bits, at) => {
      const earlier = this.#writers.get(start + at);
      if (earlier === undefined) return bits;
      const found = this.#partOf(earlier, start + at);
      return found?.part.durable[found.at] ?? 0;
    });
  }

  #partOf(number: number, place: number): { write: PendingWrite; part: SlotPart; at: number } | undefined {
    const write = this.pending[number];
    if (!write) return undefined;
    for (const part of write.parts) {
      const at = place - write.entry.offset_bytes / SECTOR_BYTES - part.firstInWrite;
      if (at >= 0 && at < part.after.length) return { write, part, at };
    }
    return undefined;
  }
}

export function copyFacts({ counts, watched }: DiskFacts): DiskFacts {
  return { counts: Int32Array.from(counts), watched: Int32Array.from(watched) };
}

/** For a disk of which nothing is known yet. */
export function emptyFacts(releases: number, watched: number): DiskFacts {
  return { counts: new Int32Array(SLOTS.length * releases * 2), watched: new Int32Array(watched) };
}
