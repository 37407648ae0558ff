import { expect, test } from 'vitest';
import { formatRecord } from './log.ts';

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
