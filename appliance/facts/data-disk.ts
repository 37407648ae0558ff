import { statfsSync } from 'node:fs';
import { readText } from './fact-files.ts';

export interface DataDiskFacts {
  total_bytes: number | null;
  used_bytes: number | null;
  /** The file system is read-only: mounted so, or turned so by ext4 after an error. */
  readOnly: boolean | null;
}

/**
 * The data partition, only when something is mounted there: otherwise the numbers would be those of whatever file system
 * holds the empty folder (a data partition that is silently missing must look missing).
 *
 * @throws when statfs(2) fails on a mounted data partition (an I/O error is worth a warning)
 */
export function readDataDisk(proc: string, mountPoint: string): DataDiskFacts {
  const readOnly = findReadOnly(readText(`${proc}/self/mountinfo`) ?? '', mountPoint);
  if (readOnly === null) return { total_bytes: null, used_bytes: null, readOnly: null };
  const { bsize, blocks, bfree } = statfsSync(mountPoint);
  return { total_bytes: blocks * bsize, used_bytes: (blocks - bfree) * bsize, readOnly };
}

/**
 * Whether the file system mounted at `mountPoint` is read-only; null when none is. Looks at the options of the file
 * system (after ` - `, proc_pid_mountinfo(5)) and not at those of the mount: ProtectSystem=strict makes every mount read-only in
 * the agent's own namespace, which says nothing about the disk.
 */
export function findReadOnly(mountinfo: string, mountPoint: string): boolean | null {
  let found: boolean | null = null;
  for (const line of mountinfo.split('\n')) {
    const [before, after] = line.split(' - ', 2);
    if (before?.split(' ')[4] !== mountPoint) continue;
    const options = after?.split(' ')[2];
    // The last one wins: later mounts cover earlier ones.
    if (options !== undefined) found = options.split(',').includes('ro');
  }
  return found;
}
