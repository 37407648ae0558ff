import { expect, test } from 'vitest';
import { SUBSET_SAMPLE } from './limits.ts';
import { randomFrom } from './random.ts';
import { keptSubsets } from './subsets.ts';

/** Each way as a text: `+-+` keeps the first and the last of three. */
function ways(writes: number, forced: readonly number[] = []): string[] {
  return [...keptSubsets(writes, new Set(forced), randomFrom(1))].map((isKept) =>
    Array.from({ length: writes }, (_, write) => (isKept(write) ? '+' : '-')).join(''),
  );
}

test('over the prefixes of a window every subset of its writes comes once, but the whole ones, which are the prefixes', () => {
  const padded = [1, 2, 3, 4].flatMap((writes) => ways(writes).map((way) => way.padEnd(4, '-')));
  expect(new Set(padded).size).toBe(padded.length);
  // All 16 but the empty one, which is the flush before, and the four prefixes.
  expect(padded).toHaveLength(16 - 1 - 4);
});

test('what was forced onto the medium is in every one of them', () => {
  expect(ways(3, [0])).toEqual(['+-+']);
  expect(ways(3, [0, 1])).toEqual([]);
  // A forced write that comes last does not bring along what was not flushed before it.
  expect(ways(3, [2]).sort()).toEqual(['+-+', '-++', '--+'].sort());
});

test('of a long window each one dropped, the last one alone, and a sample', () => {
  const found = ways(20);
  expect(found).toHaveLength(1 + 19 + SUBSET_SAMPLE);
  expect(found[0]).toBe(`${'-'.repeat(19)}+`);
  expect(found[5]).toBe(`${'+'.repeat(4)}-${'+'.repeat(15)}`);
  expect(new Set(found).size).toBeGreaterThan(SUBSET_SAMPLE);
  expect(found.every((way) => way.endsWith('+'))).toBe(true);
});
