import { closeSync, openSync, readSync } from 'node:fs';

/**
 * A file that a person named: at most `max_bytes` of it come into memory, whatever it is.
 *
 * @returns undefined when it is longer
 * @throws what the operating system says
 */
export function readBoundedFile(path: string, max_bytes: number): Uint8Array | undefined {
  const file = openSync(path, 'r');
  try {
    const bytes = new Uint8Array(max_bytes + 1);
    let filled_bytes = 0;
    for (let got = -1; got !== 0 && filled_bytes < bytes.length; filled_bytes += got)
      got = readSync(file, bytes, filled_bytes, bytes.length - filled_bytes, null);
    return filled_bytes > max_bytes ? undefined : bytes.slice(0, filled_bytes);
  } finally {
    closeSync(file);
  }
}
