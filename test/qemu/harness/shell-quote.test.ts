import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { shellQuoted } from './shell-quote.ts';

test.each([
  '/build/boot-logs/memory',
  "/home/o'brien/bulkhead/memory",
  "''",
  '/a b/$(touch x)/`y`/"z"/\\/*\n',
])('a shell reads %j as that one word', (path) => {
  expect(execFileSync('sh', ['-c', `printf '%s|' ${shellQuoted(path)}`], { encoding: 'utf8' })).toBe(
    `${path}|`,
  );
});
