import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { SECTOR_BYTES } from '../../../partitions/slot-blob.ts';
import { type DataFacts, readDataFacts } from './data-facts.ts';
import { DataImage, type DataWrite } from './data-image.ts';
import { type DiskShape, overlap } from './disk-shape.ts';
import { DATA_CHECKS_AT_ONCE, DATA_CHECKS_MAX, DATA_VARIANTS } from './limits.ts';
import type { LogEntry, WriteLog } from './write-log.ts';

/** One state of the data file system that was recovered and read. */
export interface DataCheck {
  /** Entry of the log that was the last one. */
  number: number;
  /** What was lost of it; empty for a prefix. */
  lost: string;
  /** Number of the entry that no loss reaches behind: the last flush. */
  flush: number;
  facts: DataFacts;
}

export interface DataPlan {
  /** Entries after which the file system is looked at. */
  prefixes: ReadonlySet<number>;
  /** Entries after which some of what was not flushed is left out. */
  variants: ReadonlySet<number>;
  /** Entries that wrote to the data partition. */
  candidates: number;
}

/** First bytes of a commit block of ext4's journal, big-endian: magic and block type (fs/jbd2, include/linux/jbd2.h). */
const JOURNAL_COMMIT = Buffer.from('c03b399800000002', 'hex');

/**
 * Which states to look at: all, or where that would take too long those at which something becomes true (a flush follows, the
 * journal is committed, the boot state is written next) and a sample of the others.
 */
export function planDataChecks(
  log: WriteLog,
  shape: DiskShape,
  random: () => number,
  most = DATA_CHECKS_MAX,
): DataPlan {
  const all: number[] = [];
  const telling = new Set<number>();
  let last = -1;
  for (const entry of log.read(shape.size_bytes)) {
    const isState = entry.offset_bytes === shape.state_at_bytes && entry.size_bytes > 0;
    if ((entry.flushesBefore || isState) && last >= 0) telling.add(last);
    if (!dataRange(entry, shape)) continue;
    last = entry.number;
    all.push(entry.number);
    if (isCommit(log, entry)) telling.add(entry.number);
  }
  if (last >= 0) telling.add(last);
  const pick = (from: readonly number[], count: number) =>
    new Set(
      from.length <= count
        ? from
        : [...Array(count)].map(() => from[Math.floor(random() * from.length)] ?? 0),
    );
  const rest = all.filter((number) => !telling.has(number));
  const sample = all.length <= most ? rest : pick(rest, Math.max(0, most - telling.size));
  return {
    prefixes: new Set([...telling, ...sample]),
    variants: pick(all, DATA_VARIANTS),
    candidates: all.length,
  };
}

/**
 * Recovers and reads the data file system of every planned state, and of the disk before the first entry (number -1).
 *
 * @param folder for images; a few hundred MiB for a moment
 */
export async function checkDataStates(
  log: WriteLog,
  base: string,
  shape: DiskShape,
  plan: DataPlan,
  folder: string,
  random: () => number,
): Promise<DataCheck[]> {
  mkdirSync(folder, { recursive: true });
  const current = await DataImage.of(base, shape, join(folder, 'current'));
  const durable = await DataImage.of(base, shape, join(folder, 'durable'));
  const checks: DataCheck[] = [];
  const running = new Set<Promise<void>>();
  const look = async (image: DataImage, writes: readonly DataWrite[], what: Omit<DataCheck, 'facts'>) => {
    while (running.size >= DATA_CHECKS_AT_ONCE) await Promise.race(running);
    const copy = await image.copy(folder, writes);
    const check = readDataFacts(copy.image, copy.folder)
      .then((facts) => void checks.push({ ...what, facts }))
      .finally(() => {
        rmSync(copy.folder, { recursive: true, force: true });
        running.delete(check);
      });
    running.add(check);
  };
  let pending: DataWrite[] = [];
  let flush = -1;
  await look(current, [], { number: -1, lost: '', flush });
  for (const entry of log.read(shape.size_bytes)) {
    if (entry.flushesBefore) {
      for (const write of pending) durable.write(write);
      pending = [];
      flush = entry.number;
    }
    const write = dataWrite(log, entry, shape);
    if (!write) continue;
    pending.push(write);
    current.write(write);
    const { number } = entry;
    if (plan.prefixes.has(number)) await look(current, [], { number, lost: '', flush });
    if (plan.variants.has(number)) {
      const { kept, lost } = loseSome(pending, random);
      await look(durable, kept, { number, lost, flush });
    }
  }
  await Promise.all(running);
  current.close();
  durable.close();
  rmSync(folder, { recursive: true, force: true });
  return checks.sort((one, other) => one.number - other.number);
}

/** Some of the unflushed writes, the last one perhaps torn. */
function loseSome(pending: readonly DataWrite[], random: () => number) {
  const kept = pending.slice(0, -1).filter(() => random() < 0.5);
  const words = [`${pending.length - 1 - kept.length} of ${pending.length - 1} unflushed writes`];
  const last = pending.at(-1);
  if (last) {
    const sectors = last.size_bytes / SECTOR_BYTES;
    const left = 1 + Math.floor(random() * sectors);
    kept.push({ ...last, size_bytes: left * SECTOR_BYTES });
    words.push(`${sectors - left} of ${sectors} sectors of the last one`);
  }
  return { kept, lost: words.join(', ') };
}

function dataRange({ offset_bytes, size_bytes }: LogEntry, shape: DiskShape) {
  return overlap({ start_bytes: offset_bytes, end_bytes: offset_bytes + size_bytes }, shape.data);
}

function dataWrite(log: WriteLog, entry: LogEntry, shape: DiskShape): DataWrite | undefined {
  const range = dataRange(entry, shape);
  if (!range) return undefined;
  const skipped_bytes = range.start_bytes - entry.offset_bytes;
  return {
    offset_bytes: range.start_bytes - shape.data.start_bytes,
    size_bytes: range.end_bytes - range.start_bytes,
    read: (from_bytes, to_bytes) => log.data(entry, skipped_bytes + from_bytes, skipped_bytes + to_bytes),
  };
}

function isCommit(log: WriteLog, entry: LogEntry): boolean {
  if (entry.kind !== 'write' || entry.size_bytes < JOURNAL_COMMIT.length) return false;
  const head = log.data(entry, 0, JOURNAL_COMMIT.length);
  return Buffer.compare(head, JOURNAL_COMMIT) === 0;
}
