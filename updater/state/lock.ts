import { closeSync, openSync } from 'node:fs';
import { BulkheadError } from '../../base/errors.ts';
import { lockFile } from '../../base/file-lock.ts';

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
    file = openSync(path, 'a', 0o600);
    if (!lockFile(file, patience_s)) {
      throw new BulkheadError('UPDATE_RUNNING', 'another update or change of slots is under way', {
        hint: "'bulkhead update status' shows how far an update is",
      });
    }
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
