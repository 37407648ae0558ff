import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** A browser that is ended while it still works leaves a folder of its own now and then; no test has a hand in that. */
const CHROMIUM_OWN = '.org.chromium.';

/**
 * Runs once around all unit tests (vitest's globalSetup calls it by this name). The run has a folder of its own for temporary
 * files, short because sockets have paths of at most 107 characters. What a test leaves there is taken away and fails the run:
 * a machine that runs tests for a year must not fill up.
 */
export function setup(): () => void {
  const before = process.env['TMPDIR'];
  const folder = mkdtempSync(join(before ?? '/tmp', 'bh-'));
  // Some tests start programs as nobody.
  chmodSync(folder, 0o755);
  process.env['TMPDIR'] = folder;
  return () => {
    const left = readdirSync(folder).filter(
      (name) => !name.startsWith(CHROMIUM_OWN) && holdsSomething(join(folder, name)),
    );
    rmSync(folder, { recursive: true });
    if (before === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = before;
    if (left.length > 0) throw new Error(`tests left temporary files behind: ${left.sort().join(', ')}`);
  };
}

/** Where every test of a file is skipped, vitest leaves out its afterAll, and a folder it made for them stays empty. */
function holdsSomething(path: string): boolean {
  return !statSync(path).isDirectory() || readdirSync(path).length > 0;
}
