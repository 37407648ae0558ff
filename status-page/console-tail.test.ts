import fc from 'fast-check';
import { expect, test } from 'vitest';
import { shareTails } from './console-tail.ts';

const length = (line: string) => line.length + 1;

test('the first console is served first, and of each the last lines stay', () => {
  const consoles = [['a', 'b'], ['one', 'two', 'three'], ['x']];
  expect(shareTails(consoles, 100, length)).toEqual(consoles);
  expect(shareTails(consoles, 10, length)).toEqual([['a', 'b'], ['three'], []]);
  expect(shareTails([['', 'far too long'], ['x']], 3, length)).toEqual([[], ['x']]);
});

test('what is kept is the end of each console and never costs more than there is', () => {
  const consoles = fc.array(fc.array(fc.string({ maxLength: 20 }), { maxLength: 20 }), { maxLength: 6 });
  fc.assert(
    fc.property(consoles, fc.nat(300), (given, budget_bytes) => {
      const kept = shareTails(given, budget_bytes, length);
      expect(kept).toHaveLength(given.length);
      expect(kept.flat().reduce((sum, line) => sum + length(line), 0)).toBeLessThanOrEqual(budget_bytes);
      for (const [index, lines] of kept.entries())
        expect(lines).toEqual(given[index]?.slice(given[index].length - lines.length));
    }),
  );
});
