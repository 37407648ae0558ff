import { mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { writeFileAtomic } from '../../base/atomic-file.ts';
import { BulkheadError } from '../../base/errors.ts';
import { type BootLog, bootLogFileName, renderBootLog } from './boot-log.ts';
import { BOOT_LOGS_MAX, BOOT_RECORD_MAX_BYTES, BOOT_RECORDS_MAX } from './limits.ts';
import { parseRecord } from './record.ts';
import { bootLogFiles, readable, readBootLogs } from './store.ts';

/** Where records come from and logs go. */
export interface CollectPaths {
  /** Records that the initrd brought to safety. */
  records: string;
  /** Records that are still in the kernel's memory: the initrd had nowhere to put them. */
  pstore: string;
  /** The logs. */
  logs: string;
}

export interface Collected {
  /** Logs that were added. */
  added: BootLog[];
  /** Records that were taken away. */
  records: number;
}

/**
 * Turns the records of ended boots into logs, the newest BOOT_LOGS_MAX of all, and takes the records away. Can be repeated
 * at any point: a record goes when its log is on the disk, and a boot that has one gets no second.
 *
 * @throws BulkheadError BOOTLOG_UNREADABLE, BOOTLOG_NOT_KEPT (the records stay)
 */
export function collectBootLogs(paths: CollectPaths): Collected {
  const records = [
    ...recordFiles(paths.records, /^\d+$/),
    ...recordFiles(paths.pstore, /^dmesg-ramoops-\d+$/),
  ];
  const known = readBootLogs(paths.logs);
  const next = (bootLogFiles(paths.logs).at(-1)?.number ?? 0) + 1;
  const added = newLogs(records, known, next);
  try {
    mkdirSync(paths.logs, { recursive: true });
    for (const log of added) writeFileAtomic(join(paths.logs, bootLogFileName(log)), renderBootLog(log));
    for (const path of records) rmSync(path);
    for (const { path } of bootLogFiles(paths.logs).slice(0, -BOOT_LOGS_MAX)) rmSync(path);
  } catch (cause) {
    throw new BulkheadError('BOOTLOG_NOT_KEPT', `cannot keep the logs of ended boots in ${paths.logs}`, {
      cause,
      hint: 'free space on the data partition; the next boot tries again',
    });
  }
  return { added, records: records.length };
}

/** One log a boot: an oops, the panic after it and the reset after that are three records, the last of which has it all. */
function newLogs(records: readonly string[], known: readonly BootLog[], next: number): BootLog[] {
  const boots = new Map<string, Omit<BootLog, 'number'>>();
  for (const path of records) {
    const record = readable(path, () => ({ at: endedAt(path), ...parseRecord(readBounded(path)) }));
    if (!record || known.some(({ bootId }) => bootId !== null && bootId === record.bootId)) continue;
    boots.set(record.bootId ?? path, record);
  }
  return [...boots.values()]
    .slice(-BOOT_LOGS_MAX)
    .map((record, index) => ({ number: next + index, ...record }));
}

/** A record has the time of the moment it was written. Before 2000 the machine did not know it. */
function endedAt(path: string): string | null {
  const { mtime } = statSync(path);
  return mtime.getUTCFullYear() < 2000 ? null : mtime.toISOString();
}

function readBounded(path: string): Uint8Array {
  const bytes = readFileSync(path);
  return bytes.subarray(Math.max(0, bytes.length - BOOT_RECORD_MAX_BYTES));
}

/** In the order in which they were made: both the initrd and the kernel count. */
function recordFiles(folder: string, name: RegExp): string[] {
  const count = (entry: string): number => Number(/\d+$/.exec(entry)?.[0]);
  return (readable(folder, () => readdirSync(folder)) ?? [])
    .filter((entry) => name.test(entry))
    .sort((one, other) => count(one) - count(other))
    .slice(-BOOT_RECORDS_MAX)
    .map((entry) => join(folder, entry));
}
