import { readFileSync } from 'node:fs';

/**
 * The text of a file that a page needs, by its path in the tree. Import it `with { type: 'macro' }`: Bun then runs it while bundling and
 * puts the text into the program, so the compiled binary carries its assets and needs no file. Where macros mean nothing (the test
 * runner), it is a plain function that reads the same file.
 */
export function readAsset(path: string): string {
  return readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
}
