import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { backoff_ms, retryAfter_ms } from './backoff.ts';
import { BACKOFF_FIRST_MS, BACKOFF_MAX_MS, RETRY_AFTER_MAX_MS } from './limits.ts';

describe('the back-off', () => {
  test('is nothing without a failure and at most its limit after any number of them', () => {
    fc.assert(
      fc.property(
        fc.nat({ max: 100_000 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (failures, random) => {
          const delay_ms = backoff_ms(failures, random);
          expect(delay_ms).toBeGreaterThanOrEqual(0);
          expect(delay_ms).toBeLessThanOrEqual(failures === 0 ? 0 : BACKOFF_MAX_MS);
          expect(delay_ms).toBeLessThanOrEqual(backoff_ms(failures + 1, 1));
        },
      ),
    );
  });

  test('doubles its upper end', () => {
    expect([1, 2, 3, 4].map((failures) => backoff_ms(failures, 1))).toEqual(
      [1, 2, 4, 8].map((factor) => factor * BACKOFF_FIRST_MS),
    );
  });
});

describe('the pause a server asks for', () => {
  const DATE = 'Sat, 21 Nov 2026 06:00:00 GMT';

  test.each([
    ['120', undefined, 120_000],
    [' 7 ', undefined, 7_000],
    ['0', undefined, 0],
    ['Sat, 21 Nov 2026 06:02:00 GMT', DATE, 120_000],
    ['Sat, 21 Nov 2026 05:00:00 GMT', DATE, 0],
    ['999999999', undefined, RETRY_AFTER_MAX_MS],
    ['Sat, 21 Nov 2099 06:00:00 GMT', DATE, RETRY_AFTER_MAX_MS],
    // Without the server's own date there is nothing to compare with: the clock here may be wrong.
    ['Sat, 21 Nov 2026 06:02:00 GMT', undefined, 0],
    ['soon', DATE, 0],
    ['-5', undefined, 0],
    ['1e9', undefined, 0],
    ['', undefined, 0],
    [undefined, DATE, 0],
  ])('%j at %j is %i ms', (retryAfter, date, expected_ms) => {
    const headers = {
      ...(retryAfter === undefined ? {} : { 'retry-after': retryAfter }),
      ...(date === undefined ? {} : { date }),
    };
    expect(retryAfter_ms(headers)).toBe(expected_ms);
  });
});
