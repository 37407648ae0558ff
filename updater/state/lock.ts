import { closeSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { BulkheadError } from '../../base/errors.ts';

/**
 * One update at a time. The lock names its holder by process id and start time, so a holder that died, or whose id
 * somebody else has by now, holds nothing.
 *
 * @param path on a tmpfs: a reboot frees it
 * @returns releases the lock
 * @throws BulkheadError UPDATE_RUNNING
 */
export function takeLock(path: string, procFolder = '/proc'): () => void {
  const mine = `${process.pid} ${startTime(procFolder, process.pid) ?? '?'}`;
  for (let attempt = 0; attempt < 2; attempt += 1) {
    try {
      const file = openSync(path, 'wx', 0o644);
      writeSync(file, mine);
      closeSync(file);
      return () => rmSync(path, { force: true });
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
      const [pid, start] = readHolder(path);
      if (pid !== undefined && startTime(procFolder, pid) === start) {
        throw new BulkheadError('UPDATE_RUNNING', `another update is running (process ${pid})`, {
          hint: "'bulkhead update status' shows how far it is",
        });
      }
      rmSync(path, { force: true });
    }
  }
  throw new BulkheadError('UPDATE_RUNNING', 'another update has just begun');
}

function readHolder(path: string): [number | undefined, string | undefined] {
  try {
    const [pid, start] = readFileSync(path, 'utf8').split(' ');
    return [Number(pid) || undefined, start];
  } catch {
    // Gone meanwhile: free.
    return [undefined, undefined];
  }
}

/** Field 22 of /proc/PID/stat, counted behind the name, which may hold spaces and brackets (proc(5)). */
function startTime(procFolder: string, pid: number): string | undefined {
  try {
    const stat = readFileSync(`${procFolder}/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}
