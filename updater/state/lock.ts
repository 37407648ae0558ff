import { spawnSync } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { BulkheadError } from '../../base/errors.ts';

/**
 * One change of slots at a time. The lock is flock(2) on an open file: however its holder ends, the kernel frees it, and no
 * file that was left behind has to be judged. The file itself is never removed, or two could hold locks of two files of
 * one name.
 *
 * @param path in a folder where only root creates files. It is made unreadable for everybody else: who can open a file
 *             can lock it, and a taken-over agent could keep updates away for ever.
 * @param patience_s whole seconds to wait while somebody else holds it
 * @returns releases the lock
 * @throws BulkheadError UPDATE_RUNNING; UPDATE_LOCK_FAILED when there can be no lock at all
 */
export function takeLock(path: string, patience_s = 0): () => void {
  let file: number | undefined;
  try {
    // Bun opens every file close-on-exec: no program that is started meanwhile keeps the lock.
    file = openSync(path, 'a', 0o600);
    lockFile(file, patience_s);
    const held = file;
    return () => closeSync(held);
  } catch (cause) {
    if (file !== undefined) closeSync(file);
    if (cause instanceof BulkheadError) throw cause;
    throw new BulkheadError('UPDATE_LOCK_FAILED', `cannot lock ${path}, so nothing is changed`, {
      cause,
      hint: 'is /run full? df -i /run',
    });
  }
}

/**
 * flock(1) locks the file that it is handed and ends: the lock belongs to the open file, so it stays with the one who opened it.
 * Bun has no call for it, and its foreign functions need a just-in-time compiler that not every unit allows.
 */
function lockFile(file: number, patience_s: number): void {
  const { status, error } = spawnSync('flock', ['--exclusive', '--timeout', String(patience_s), '3'], {
    stdio: ['ignore', 'ignore', 'ignore', file],
  });
  if (error) throw error;
  if (status === FLOCK_HELD) {
    throw new BulkheadError('UPDATE_RUNNING', 'another update or change of slots is under way', {
      hint: "'bulkhead update status' shows how far an update is",
    });
  }
  if (status !== 0) throw new Error(`flock ended with ${status}`);
}

/** What flock(1) ends with when somebody else holds the lock. */
const FLOCK_HELD = 1;
