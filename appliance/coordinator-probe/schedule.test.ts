import fc from 'fast-check';
import { expect, test } from 'vitest';
import { JITTER_SHARE, POLL_INTERVAL_MIN_MS, RETRY_INTERVAL_MAX_MS } from './limits.ts';
import { nextProbeDelay } from './schedule.ts';

const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

test('while the coordinator answers, the configured interval is kept within the jitter', () => {
  fc.assert(
    fc.property(fc.integer({ min: 10_000, max: 3_600_000 }), random, (interval_ms, luck) => {
      const delay_ms = nextProbeDelay(interval_ms, 0, luck);
      expect(Math.abs(delay_ms - interval_ms)).toBeLessThanOrEqual(interval_ms * JITTER_SHARE + 1);
    }),
  );
});

test('after any number of failures there is a next try, never sooner than the interval allows, never later than the slowest', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 3_600_000 }), fc.nat(), random, (interval_ms, failures, luck) => {
      const delay_ms = nextProbeDelay(interval_ms, failures, luck);
      expect(delay_ms).toBeGreaterThanOrEqual(POLL_INTERVAL_MIN_MS * (1 - JITTER_SHARE) - 1);
      expect(delay_ms).toBeLessThanOrEqual(
        Math.max(interval_ms, RETRY_INTERVAL_MAX_MS) * (1 + JITTER_SHARE) + 1,
      );
    }),
  );
});

test('more failures never mean a faster retry', () => {
  fc.assert(
    fc.property(fc.nat({ max: 100 }), (failures) => {
      expect(nextProbeDelay(60_000, failures + 1, 0.5)).toBeGreaterThanOrEqual(
        nextProbeDelay(60_000, failures, 0.5),
      );
    }),
  );
});

test('a fleet that starts together is spread over two fifths of the interval', () => {
  expect(nextProbeDelay(60_000, 0, 0)).toBe(48_000);
  expect(nextProbeDelay(60_000, 0, 0.999_999)).toBe(72_000);
});
