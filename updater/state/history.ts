import { chmodSync, closeSync, fsyncSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { Value } from '@sinclair/typebox/value';
import { fsyncFolder, writeFileAtomic } from '../../base/atomic-file.ts';
import { BulkheadError } from '../../base/errors.ts';
import { HISTORY_KEEP } from '../limits.ts';
import { PastUpdate } from './records.ts';

/** Updates that ended, oldest first: one JSON object a line. A line torn by a power cut is passed over. */
export function readHistory(path: string): PastUpdate[] {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw new BulkheadError('UPDATE_HISTORY_UNREADABLE', `cannot read ${path}`, {
      cause: error,
      hint: 'look as root: sudo bulkhead update status',
    });
  }
  return text.split('\n').flatMap((line) => {
    try {
      const entry: unknown = JSON.parse(line);
      return Value.Check(PastUpdate, entry) ? [entry] : [];
    } catch {
      return [];
    }
  });
}

/**
 * Adds one entry; durable when it returns. The oldest go when there are more than HISTORY_KEEP.
 *
 * @throws BulkheadError UPDATE_STATE_UNWRITABLE
 */
export function appendHistory(path: string, entry: PastUpdate): void {
  try {
    mkdirSync(dirname(path), { recursive: true });
    const before = readHistory(path);
    if (before.length >= 2 * HISTORY_KEEP) {
      const kept = [...before.slice(-HISTORY_KEEP), entry];
      writeFileAtomic(path, kept.map((one) => `${JSON.stringify(one)}\n`).join(''));
    } else append(path, entry);
    chmodSync(path, 0o644);
  } catch (cause) {
    throw new BulkheadError('UPDATE_STATE_UNWRITABLE', `cannot add to the history of updates in ${path}`, {
      cause,
      hint: 'the data partition is full, read-only or damaged: df, dmesg',
    });
  }
}

function append(path: string, entry: PastUpdate): void {
  const file = openSync(path, 'a', 0o644);
  try {
    // The line feed in front closes a line that a power cut tore; an empty line is passed over.
    writeSync(file, `\n${JSON.stringify(entry)}\n`);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  fsyncFolder(dirname(path));
}
