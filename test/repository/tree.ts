import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { run, runOrThrow } from '../../base/run.ts';

export const ROOT = resolve(import.meta.dirname, '../..');

/** Files of the checkout as they lie there, new ones included, ignored ones not; paths from the root, sorted. */
export async function listFiles(): Promise<string[]> {
  const listed = await runOrThrow(run, 'git', [
    ...['-C', ROOT, '-c', 'safe.directory=*', 'ls-files', '-z', '--cached', '--others', '--exclude-standard'],
    '--deduplicate',
  ]);
  const files = listed.split('\0').filter((file) => file !== '' && Bun.file(join(ROOT, file)).size > 0);
  return files.sort();
}

export function readText(file: string): string {
  return readFileSync(join(ROOT, file), 'utf8');
}

export function isCode(file: string): boolean {
  return /\.(ts|tsx|mjs)$/.test(file);
}

/** Made by a program from something else in the tree (`npm run proto`): held to that by a test, not to the rules of style. */
export function isGenerated(file: string): boolean {
  return file.startsWith('protocol/sensors/generated/');
}

export function isTest(file: string): boolean {
  return /\.test\.tsx?$/.test(file);
}

/** Code with everything between comment marks blanked out, line breaks kept, so that prose about code is not code. */
export function withoutComments(code: string): string {
  // Texts and templates are matched first, so that a `//` inside one stays.
  const token = /'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`|\/\*[\s\S]*?\*\/|\/\/[^\n]*/g;
  return code.replace(token, (found) => (/^\/[/*]/.test(found) ? found.replace(/[^\n]/g, ' ') : found));
}
