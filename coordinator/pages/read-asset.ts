import { readFileSync } from 'node:fs';

/**
 * The text of a file under assets/. Import it `with { type: 'macro' }`: Bun then puts the text into the compiled program. Where macros
 * mean nothing (the test runner), it is a plain function that reads the same file.
 */
export function readAsset(name: string): string {
  return readFileSync(new URL(`./assets/${name}`, import.meta.url), 'utf8');
}
