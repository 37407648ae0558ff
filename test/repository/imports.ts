import { dirname, join, normalize } from 'node:path';
import { withoutComments } from './tree.ts';

/** One `import`, `export … from` or `import(…)` of a file of ours. */
export interface Arrow {
  from: string;
  /** Path from the root. */
  to: string;
}

const FROM = /(?:^|[\s;}])(?:import|export)\b[^;'"`]*?from\s*['"]([^'"\n]+)['"]/g;
const BARE = /(?:^|[\s;}])import\s*\(?\s*['"]([^'"\n]+)['"]/g;

/** Every module that code names, types included: a part that knows another's types depends on it. */
export function importsOf(code: string): string[] {
  const text = withoutComments(code);
  return [...text.matchAll(FROM), ...text.matchAll(BARE)].flatMap((match) => match[1] ?? []);
}

/** The arrows to files of ours; packages are left out. */
export function arrowsOf(file: string, code: string): Arrow[] {
  return importsOf(code)
    .filter((target) => target.startsWith('.'))
    .map((target) => ({ from: file, to: normalize(join(dirname(file), target)) }));
}

/** First folder of a path: the part it belongs to. A file in the root belongs to none. */
export function partOf(path: string): string | undefined {
  const [first, second] = path.split('/');
  return second === undefined ? undefined : first;
}
