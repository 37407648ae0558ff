import { closeSync, fsyncSync, openSync, renameSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Replaces a file so that after a power cut it holds either all of the old or all of the new content:
 * temporary file in the same folder, fsync, rename, fsync of the folder. For journaling file systems (ext4);
 * on FAT a rename is not atomic, see partitions/boot-state-store.ts for what is done there.
 *
 * @param mode permission bits of the new file, e.g. 0o600
 */
export function writeFileAtomic(path: string, content: string | Uint8Array, mode = 0o644): void {
  const temporary = `${path}.new`;
  const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
  const file = openSync(temporary, 'w', mode);
  try {
    writeAll(file, bytes);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(temporary, path);
  fsyncFolder(dirname(path));
}

/** Makes names created in or renamed into a folder durable. */
export function fsyncFolder(path: string): void {
  // Windows opens no folder as a file; NTFS keeps its names in a journal of its own.
  if (process.platform === 'win32') return;
  const folder = openSync(path, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

function writeAll(file: number, bytes: Uint8Array): void {
  let written = 0;
  while (written < bytes.length) written += writeSync(file, bytes, written);
}
