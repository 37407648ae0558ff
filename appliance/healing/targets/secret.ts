import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { BulkheadError } from '../../../base/errors.ts';
import { SECRET_FILE_MAX_BYTES } from './limits.ts';

/**
 * The password or key of a target: as the configuration has it, or from its file, read anew each time so that a changed one is in
 * force at once.
 *
 * @throws BulkheadError TARGET_SECRET_FILE
 */
export function readSecret(value: string | null, file: string | null): string | null {
  if (value !== null || file === null) return value;
  let handle: number;
  try {
    handle = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (cause) {
    throw unusable(file, 'cannot be read', cause);
  }
  try {
    const stat = fstatSync(handle);
    if (!stat.isFile() || stat.size > SECRET_FILE_MAX_BYTES) throw unusable(file, 'is no small plain file');
    if ((stat.mode & 0o077) !== 0) throw unusable(file, 'can be read or changed by others than its owner');
    const bytes = Buffer.alloc(SECRET_FILE_MAX_BYTES);
    const text = bytes.subarray(0, readSync(handle, bytes)).toString('utf8');
    // Editors end a file with a line break, which is part of no password.
    const secret = text.includes('PRIVATE KEY') ? text : text.replace(/\r?\n$/, '');
    if (secret === '') throw unusable(file, 'is empty');
    return secret;
  } finally {
    closeSync(handle);
  }
}

function unusable(file: string, why: string, cause?: unknown): BulkheadError {
  return new BulkheadError('TARGET_SECRET_FILE', `${file} ${why}`, {
    cause,
    hint: 'a plain file with mode 0400, owned by the user of bulkhead-site.service',
  });
}
