import { closeSync, openSync, readSync } from 'node:fs';
import type { BootState } from '../../../partitions/boot-state.ts';
import { SLOTS, type Slot } from '../../../partitions/slot.ts';
import { SECTOR_BYTES } from '../../../partitions/slot-blob.ts';
import { WatchedSectors } from './disk-facts.ts';
import { type DiskShape, overlap } from './disk-shape.ts';
import type { DiskVerdict, SlotView } from './disk-verdict.ts';
import type { KnownRelease } from './known-release.ts';
import { FAULTS_DESCRIBED } from './limits.ts';
import { copyFacts, emptyFacts, type PendingWrite, PendingWrites } from './pending-writes.ts';
import { SlotLedger } from './slot-ledger.ts';
import { keptSubsets } from './subsets.ts';
import type { LogEntry, WriteLog } from './write-log.ts';

/** Part of the disk a write went to. `esp`: anything on it but the boot state; `table`: outside every partition. */
export type Place = 'state' | 'esp' | 'slot-a' | 'slot-b' | 'data' | 'table';

/** The disk after one entry of the log. */
export interface Prefix {
  number: number;
  entry: LogEntry;
  /** Where it wrote; null for a flush. */
  place: Place | null;
  /** Entry number of the last flush up to here, -1 before the first. */
  flush: number;
  state: BootState | undefined;
  slots: Readonly<Record<Slot, SlotView>>;
  /** How far each slot holds the bytes of each known release without a gap, its first block aside. */
  written_bytes: Readonly<Record<Slot, readonly number[]>>;
  /** How many disks were judged because of this entry, beside the prefix itself. */
  torn: number;
  subsets: number;
}

/** Something that a power cut would do. */
export interface PowerFault {
  /** Of the entry that was the last one. */
  entry: number;
  way: 'prefix' | 'torn' | 'subset' | 'place';
  what: string;
}

export interface PowerJudgement {
  prefixes: Prefix[];
  judged: { prefixes: number; torn: number; subsets: number };
  /** Disks without a valid boot state among them. */
  withoutState: number;
  /** All of them; only FAULTS_DESCRIBED are described. */
  faultCount: number;
  faults: PowerFault[];
}

/**
 * Judges every disk that a power cut during this log could leave behind: each prefix, each prefix with its last write torn after
 * each sector (with the unflushed writes before it kept, and with them lost), and the unflushed writes kept or lost.
 *
 * @param base the disk before the first entry, raw
 * @param random for the samples of long windows
 */
export function judgePowerCuts(
  log: WriteLog,
  base: string,
  shape: DiskShape,
  releases: readonly KnownRelease[],
  random: () => number,
): PowerJudgement {
  const judge = new PowerJudge(log, base, shape, releases, random);
  for (const entry of log.read(shape.size_bytes)) judge.take(entry);
  return judge.judgement;
}

class PowerJudge {
  readonly judgement: PowerJudgement = {
    prefixes: [],
    judged: { prefixes: 0, torn: 0, subsets: 0 },
    withoutState: 0,
    faultCount: 0,
    faults: [],
  };
  #flush = -1;
  readonly #watched: WatchedSectors;
  readonly #ledgers: readonly SlotLedger[];
  readonly #writes: PendingWrites;
  readonly #log: WriteLog;
  readonly #shape: DiskShape;
  readonly #random: () => number;

  constructor(
    log: WriteLog,
    base: string,
    shape: DiskShape,
    releases: readonly KnownRelease[],
    random: () => number,
  ) {
    this.#log = log;
    this.#shape = shape;
    this.#random = random;
    this.#watched = new WatchedSectors(shape, releases);
    this.#ledgers = SLOTS.map((slot) => new SlotLedger(slot, shape.slots[slot], releases));
    const facts = emptyFacts(releases.length, this.#watched.places_bytes.length);
    const file = openSync(base, 'r');
    const readDisk = (offset_bytes: number, size_bytes: number) => {
      const bytes = new Uint8Array(size_bytes);
      readSync(file, bytes, 0, size_bytes, offset_bytes);
      return bytes;
    };
    for (const ledger of this.#ledgers) ledger.load(readDisk, facts.counts);
    for (const [index, place_bytes] of this.#watched.places_bytes.entries())
      facts.watched[index] = this.#watched.numberOf(readDisk(place_bytes, SECTOR_BYTES));
    closeSync(file);
    this.#writes = new PendingWrites(facts, this.#ledgers, this.#watched);
    this.#note(this.#watched.judge(facts), -1, 'prefix', '');
  }

  take(entry: LogEntry): void {
    if (entry.flushesBefore) {
      this.#writes.settle();
      this.#flush = entry.number;
    }
    const place = entry.size_bytes === 0 ? null : placeOf(entry, this.#shape);
    if (place === 'esp' || place === 'table') {
      const where = `byte ${entry.offset_bytes}, ${entry.size_bytes} bytes`;
      this.#fault(
        entry.number,
        'place',
        `a write to the ${place === 'esp' ? 'ESP' : 'partition table'}: ${where}`,
      );
    }
    const done = { torn: 0, subsets: 0 };
    if (place !== null) {
      const write = this.#writes.prepare(entry, (from_bytes, to_bytes) =>
        this.#log.data(entry, from_bytes, to_bytes),
      );
      done.torn = this.#judgeTorn(write);
      this.#writes.push(write);
      done.subsets = this.#judgeSubsets(entry.number);
    }
    this.#note(this.#watched.judge(this.#writes.current), entry.number, 'prefix', '');
    this.#record(entry, place, done);
  }

  /** After each sector but the last, which is the whole write. */
  #judgeTorn(write: PendingWrite): number {
    // A disk need not even begin a discard, and nobody may read what it has taken; half a discard is no state of its own.
    if (write.entry.kind !== 'write') return 0;
    const sectors = write.entry.size_bytes / SECTOR_BYTES;
    const { pending } = this.#writes;
    // Without unflushed writes before it both are the same; a forced one among them cannot be lost.
    const both = pending.length > 0 && !pending.some(({ entry }) => entry.fua);
    const ways = both ? (['before', 'durable'] as const) : (['before'] as const);
    for (const over of ways) {
      const facts = over === 'before' ? copyFacts(this.#writes.current) : this.#writes.facts(() => false);
      let verdict = this.#watched.judge(facts);
      for (let kept = 1; kept < sectors; kept += 1) {
        if (this.#writes.addSector(write, kept - 1, facts, over)) verdict = this.#watched.judge(facts);
        if (verdict.faults.length > 0 || verdict.withoutState) {
          const rest = over === 'before' ? '' : ', unflushed writes before it lost';
          this.#note(verdict, write.entry.number, 'torn', `${kept} of ${sectors} sectors kept${rest}: `);
        }
      }
    }
    const torn = ways.length * (sectors - 1);
    this.judgement.judged.torn += torn;
    return torn;
  }

  #judgeSubsets(number: number): number {
    const { pending } = this.#writes;
    const forced = new Set([...pending.keys()].filter((at) => pending[at]?.entry.fua));
    let subsets = 0;
    for (const isKept of keptSubsets(pending.length, forced, this.#random)) {
      subsets += 1;
      const verdict = this.#watched.judge(this.#writes.facts(isKept));
      if (verdict.faults.length === 0 && !verdict.withoutState) continue;
      const lost = pending.filter((_, at) => !isKept(at)).map(({ entry }) => entry.number);
      this.#note(verdict, number, 'subset', `entries ${lost.join(', ')} lost: `);
    }
    this.judgement.judged.subsets += subsets;
    return subsets;
  }

  #note(verdict: DiskVerdict, entry: number, way: PowerFault['way'], how: string): void {
    if (verdict.withoutState) this.judgement.withoutState += 1;
    for (const what of verdict.faults) this.#fault(entry, way, how + what);
  }

  #fault(entry: number, way: PowerFault['way'], what: string): void {
    this.judgement.faultCount += 1;
    if (this.judgement.faults.length < FAULTS_DESCRIBED) this.judgement.faults.push({ entry, way, what });
  }

  #record(entry: LogEntry, place: Place | null, done: { torn: number; subsets: number }): void {
    const facts = this.#writes.current;
    this.judgement.judged.prefixes += 1;
    this.judgement.prefixes.push({
      ...{ number: entry.number, entry, place, flush: this.#flush, ...done },
      state: this.#watched.state(facts),
      slots: { A: this.#watched.view('A', facts), B: this.#watched.view('B', facts) },
      written_bytes: { A: this.#written('A'), B: this.#written('B') },
    });
  }

  #written(slot: Slot): number[] {
    return this.#ledgers[SLOTS.indexOf(slot)]?.frontiers.map((sector) => sector * SECTOR_BYTES) ?? [];
  }
}

function placeOf(entry: LogEntry, shape: DiskShape): Place {
  const range = { start_bytes: entry.offset_bytes, end_bytes: entry.offset_bytes + entry.size_bytes };
  if (entry.offset_bytes === shape.state_at_bytes && entry.size_bytes === SECTOR_BYTES) return 'state';
  const within = (other: { start_bytes: number; end_bytes: number }) => {
    const common = overlap(range, other);
    return common?.start_bytes === range.start_bytes && common.end_bytes === range.end_bytes;
  };
  if (overlap(range, shape.esp)) return 'esp';
  if (within(shape.slots.A)) return 'slot-a';
  if (within(shape.slots.B)) return 'slot-b';
  return within(shape.data) ? 'data' : 'table';
}
