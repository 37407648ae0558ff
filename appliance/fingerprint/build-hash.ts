import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { HASH_STEP_BYTES } from './limits.ts';

/**
 * SHA-256 of the program that runs, hexadecimal; null where it runs from its source and is no one file, or cannot be read.
 *
 * @param program path of the executable
 * @param entry what it runs: the compiled program names a file inside itself (`/$bunfs/…`)
 */
export async function hashProgram(program = process.execPath, entry = Bun.main): Promise<string | null> {
  if (!entry.startsWith('/$bunfs/')) return null;
  try {
    const file = await open(program, 'r');
    try {
      const hash = createHash('sha256');
      const step = new Uint8Array(HASH_STEP_BYTES);
      for (;;) {
        const { bytesRead } = await file.read(step, 0, step.length, null);
        if (bytesRead === 0) return hash.digest('hex');
        hash.update(step.subarray(0, bytesRead));
      }
    } finally {
      await file.close();
    }
  } catch {
    // Replaced or unreadable: then nobody knows, and everything else is still worth telling.
    return null;
  }
}
