import { expect, test } from 'vitest';
import { WARNING_REPEAT_MS, WARNINGS_REMEMBERED_MAX } from './limits.ts';
import { createRepeatFilter } from './repeat-filter.ts';

test('the same warning is logged once an hour, another one at once, and memory for them is bounded', () => {
  let now_ms = 0;
  const isNew = createRepeatFilter(() => now_ms);
  expect([isNew('a'), isNew('a'), isNew('b')]).toEqual([true, false, true]);
  now_ms = WARNING_REPEAT_MS;
  expect(isNew('a')).toBe(true);
  for (let count = 0; count < WARNINGS_REMEMBERED_MAX; count += 1) isNew(`other ${count}`);
  expect(isNew('a')).toBe(true);
});
