import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { BulkheadError } from '../../base/errors.ts';
import { type BootLog, bootLogNumber, parseBootLog } from './boot-log.ts';
import { BOOT_LOG_FILE_MAX_BYTES } from './limits.ts';

/**
 * The kept logs of a folder, newest last. Where there is no folder there are none; a file that is not whole is left out.
 *
 * @throws BulkheadError BOOTLOG_UNREADABLE
 */
export function readBootLogs(folder: string): BootLog[] {
  return bootLogFiles(folder).flatMap(({ path, number }) => {
    const log = readable(path, () =>
      statSync(path).size <= BOOT_LOG_FILE_MAX_BYTES
        ? parseBootLog(number, readFileSync(path, 'utf8'))
        : null,
    );
    return log ?? [];
  });
}

/**
 * The files of a folder that are named like boot logs, in the order of their numbers.
 *
 * @throws BulkheadError BOOTLOG_UNREADABLE
 */
export function bootLogFiles(folder: string): { path: string; number: number }[] {
  const names = readable(folder, () => readdirSync(folder)) ?? [];
  return names
    .flatMap((name) => {
      const number = bootLogNumber(name);
      return number === null ? [] : [{ path: join(folder, name), number }];
    })
    .sort((one, other) => one.number - other.number);
}

/** What is gone reads as nothing: logs are removed while others read them. */
export function readable<Result>(path: string, read: () => Result): Result | null {
  try {
    return read();
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw new BulkheadError('BOOTLOG_UNREADABLE', `cannot read ${path}, where the logs of ended boots are`, {
      cause,
      hint: 'the data partition may be damaged: bulkhead status says how it is',
    });
  }
}
