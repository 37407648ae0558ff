import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseMeminfo } from './contestants.ts';
import { median } from './statistics.ts';

test('as many values lie below the median as above it, in whatever order they come', () => {
  const values = fc.array(fc.integer({ min: -1000, max: 1000 }), { minLength: 1 });
  fc.assert(
    fc.property(values, (list) => {
      const middle = median(list);
      const below = list.filter((value) => value < middle).length;
      const above = list.filter((value) => value > middle).length;
      expect(Math.max(below, above)).toBeLessThanOrEqual(list.length / 2);
      expect(median(list.toReversed())).toBe(middle);
    }),
  );
});

test('there is no median of nothing', () => {
  expect(() => median([])).toThrow(RangeError);
});

test('memory in use is what programs cannot have', () => {
  const text = 'MemTotal:         982384 kB\nMemFree:          790920 kB\nMemAvailable:     773384 kB\n';
  expect(parseMeminfo(text)).toEqual({ total_bytes: 982384 * 1024, used_bytes: 209_000 * 1024 });
});
