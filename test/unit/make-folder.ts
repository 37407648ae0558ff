import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

const made: string[] = [];
// At the top: every test file has modules of its own, so this belongs to the file that imports it.
afterAll(() => {
  for (const folder of made.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** A temporary folder that is gone when the tests of this file have ended. */
export function makeFolder(name: string): string {
  const folder = mkdtempSync(join(tmpdir(), `bulkhead-${name}-`));
  made.push(folder);
  return folder;
}
