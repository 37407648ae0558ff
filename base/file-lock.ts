import { spawnSync } from 'node:child_process';

/** What flock(1) ends with when somebody else holds the lock. */
const FLOCK_HELD = 1;

/**
 * flock(2), exclusively, on an open file. flock(1) locks the file that it is handed and ends: the lock belongs to the open file, so
 * it stays with the one who opened it until he closes it or ends. Bun has no call for it, and its foreign functions need a
 * just-in-time compiler that not every unit allows.
 *
 * @param file open file; Bun opens every file close-on-exec, so no program that is started meanwhile keeps the lock
 * @param patience_s whole seconds to wait while somebody else holds it
 * @returns false when somebody else held it all that time
 * @throws when there can be no lock at all
 */
export function lockFile(file: number, patience_s: number): boolean {
  const { status, error } = spawnSync('flock', ['--exclusive', '--timeout', String(patience_s), '3'], {
    stdio: ['ignore', 'ignore', 'ignore', file],
  });
  if (error) throw error;
  if (status === FLOCK_HELD) return false;
  if (status !== 0) throw new Error(`flock ended with ${status}`);
  return true;
}
