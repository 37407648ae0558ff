import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createDueQueue } from './due-queue.ts';

test('whoever is due first comes out first, however they were put in', () => {
  const step = fc.oneof(fc.integer({ min: 0, max: 50 }), fc.constant('pop' as const));
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const queue = createDueQueue(steps.length);
      const waiting = new Map<number, number>();
      for (const [who, at_ms] of steps.entries()) {
        if (at_ms === 'pop') {
          const next_ms = queue.next_ms();
          expect(next_ms).toBe(Math.min(...waiting.values(), Number.POSITIVE_INFINITY));
          const popped = queue.pop();
          expect(popped === undefined ? undefined : waiting.get(popped)).toBe(
            popped === undefined ? undefined : next_ms,
          );
          if (popped !== undefined) waiting.delete(popped);
        } else {
          queue.push(who, at_ms);
          waiting.set(who, at_ms);
        }
        expect(queue.size).toBe(waiting.size);
      }
    }),
  );
});

test('more than there is room for are refused, and an empty one gives nobody', () => {
  const queue = createDueQueue(1);
  expect([queue.pop(), queue.next_ms()]).toEqual([undefined, Number.POSITIVE_INFINITY]);
  queue.push(7, 1);
  expect(() => queue.push(8, 1)).toThrow(RangeError);
  expect(queue.pop()).toBe(7);
});
