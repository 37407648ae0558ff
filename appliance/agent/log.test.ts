import { expect, test } from 'vitest';
import { WARNING_REPEAT_MS, WARNINGS_REMEMBERED_MAX } from './limits.ts';
import { formatRecord } from './log.ts';
import { createRepeatFilter } from './repeat-filter.ts';

const record = {
  level: 'warning' as const,
  message: ['services: ', 'no bus\nFatal: x'],
  properties: { port: 80 },
  timestamp: 0,
};

test('under systemd a line carries its priority, elsewhere time and level', () => {
  expect(formatRecord({ ...record, message: ['open'] }, true)).toBe('<4>open port=80');
  expect(formatRecord({ ...record, message: ['open'] }, false)).toBe(
    '1970-01-01T00:00:00.000Z warning open port=80',
  );
});

test('a message stays one line, so that its text cannot forge an entry', () => {
  expect(formatRecord(record, true).split('\n')).toHaveLength(1);
});

test('the same warning is logged once an hour, another one at once, and memory for them is bounded', () => {
  let now_ms = 0;
  const isNew = createRepeatFilter(() => now_ms);
  expect([isNew('a'), isNew('a'), isNew('b')]).toEqual([true, false, true]);
  now_ms = WARNING_REPEAT_MS;
  expect(isNew('a')).toBe(true);
  for (let count = 0; count < WARNINGS_REMEMBERED_MAX; count += 1) isNew(`other ${count}`);
  expect(isNew('a')).toBe(true);
});
