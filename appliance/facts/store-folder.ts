import { findReadOnly } from './data-disk.ts';
import { readText } from './fact-files.ts';

/**
 * The agent's own folder, where something is mounted there that can be written; null otherwise: what is kept in an empty folder
 * would be in memory, and gone with the next start.
 */
export function findStoreFolder(proc: string, folder: string): string | null {
  const readOnly = findReadOnly(readText(`${proc}/self/mountinfo`) ?? '', folder);
  return readOnly === false ? folder : null;
}
