import { expect, test } from 'vitest';
import { sensorPresence } from './presence.ts';

const NOW_MS = Date.parse('2026-11-21T12:00:00Z');

test.each([
  ['live', { last_heard_at: '2026-11-21T11:58:00.000Z' }],
  ['silent', { last_heard_at: '2026-11-21T11:57:59.999Z' }],
  ['silent', { last_heard_at: null }],
  ['revoked', { revoked_at: '2026-11-21T11:00:00.000Z', last_heard_at: '2026-11-21T12:00:00.000Z' }],
] as const)('a sensor is %s: %o', (presence, sensor) => {
  expect(sensorPresence({ revoked_at: null, ...sensor }, NOW_MS)).toBe(presence);
});
