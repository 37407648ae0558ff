import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BLOCK_BYTES } from '../../partitions/slot-blob.ts';
import { REQUEST_GAP_MAX_BYTES, REQUEST_MAX_BYTES } from './limits.ts';
import { joinRuns, sumRuns } from './runs.ts';

const block = (number: number) => ({
  start_bytes: number * BLOCK_BYTES,
  end_bytes: (number + 1) * BLOCK_BYTES,
});

test('stretches are joined over a gap of one block, not of two', () => {
  expect(joinRuns([0, 2, 5].map(block))).toEqual([
    { start_bytes: 0, end_bytes: 3 * BLOCK_BYTES },
    { start_bytes: 5 * BLOCK_BYTES, end_bytes: 6 * BLOCK_BYTES },
  ]);
  expect(sumRuns([block(1), block(7)])).toBe(2 * BLOCK_BYTES);
});

test('runs hold every stretch whole, in order, none too long, no gap too wide', () => {
  const numbers = fc.uniqueArray(fc.nat({ max: 2_000 }), { maxLength: 1_500 });
  fc.assert(
    fc.property(numbers, (list) => {
      const stretches = list.sort((a, b) => a - b).map(block);
      const runs = joinRuns(stretches);
      const holds = (at: { start_bytes: number; end_bytes: number }) =>
        runs.filter((run) => run.start_bytes <= at.start_bytes && run.end_bytes >= at.end_bytes).length === 1;
      expect(stretches.every(holds)).toBe(true);
      expect(runs.every((run) => run.end_bytes - run.start_bytes <= REQUEST_MAX_BYTES)).toBe(true);
      const wasted_bytes = sumRuns(runs) - stretches.length * BLOCK_BYTES;
      expect(wasted_bytes).toBeLessThanOrEqual(stretches.length * REQUEST_GAP_MAX_BYTES);
      for (const [at, run] of runs.entries()) {
        const before = runs[at - 1];
        if (before) expect(run.start_bytes).toBeGreaterThanOrEqual(before.end_bytes);
      }
    }),
  );
});
