import { mkdirSync, statfsSync } from 'node:fs';
import { BulkheadError } from '../../base/errors.ts';
import { formatBytes } from '../../base/text.ts';
import { BATCH_MAX_BYTES, CHECKPOINT_MAX_BYTES, RECORDS_MAX_BYTES, RECORDS_MAX_FILES } from '../limits.ts';

/** What a file system has left for root. */
interface Room {
  bytes: number;
  /** Null where it does not count them. */
  files: number | null;
}

/**
 * What an update writes beside the slot: its journal grows with what is fetched, the records do not. Pure.
 *
 * @param fetch_bytes of the payload
 */
export function roomNeeded(fetch_bytes: number): { bytes: number; files: number } {
  // A batch is written down when it and the next one exceed the limit, so two of them make one limit at least.
  const checkpoints = 2 * Math.ceil(fetch_bytes / BATCH_MAX_BYTES) + 1;
  return { bytes: RECORDS_MAX_BYTES + checkpoints * CHECKPOINT_MAX_BYTES, files: RECORDS_MAX_FILES };
}

/**
 * Whether the records of an update fit on the data partition: asked before the slot to fall back to is given up.
 *
 * @param folder of the records; made when it is not there
 * @throws BulkheadError UPDATE_STATE_NO_ROOM, UPDATE_STATE_UNWRITABLE
 */
export function requireRoom(folder: string, fetch_bytes: number): void {
  const left = roomIn(folder);
  const needed = roomNeeded(fetch_bytes);
  const lacking =
    left.bytes < needed.bytes
      ? `${formatBytes(left.bytes)} are free, ${formatBytes(needed.bytes)} are needed`
      : left.files !== null && left.files < needed.files
        ? `${left.files} more files can be made, ${needed.files} are needed`
        : undefined;
  if (lacking === undefined) return;
  throw new BulkheadError(
    'UPDATE_STATE_NO_ROOM',
    `no room for the records of an update in ${folder}: ${lacking}`,
    {
      hint: 'make room on the data partition: du -x /var/lib/msp; nothing was changed',
    },
  );
}

function roomIn(folder: string): Room {
  try {
    mkdirSync(folder, { recursive: true });
    const { bsize, bfree, files, ffree } = statfsSync(folder);
    return { bytes: bsize * bfree, files: files === 0 ? null : ffree };
  } catch (cause) {
    throw new BulkheadError('UPDATE_STATE_UNWRITABLE', `cannot tell what room there is in ${folder}`, {
      cause,
      hint: 'the data partition is read-only or damaged: df, dmesg',
    });
  }
}
