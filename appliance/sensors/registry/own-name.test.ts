import { expect, test } from 'vitest';
import { exampleDetection } from '../../findings/lab/detections.ts';
import { METADATA_MAX_ENTRIES } from '../../findings/limits.ts';
import { newSensor } from '../admission/plea.ts';
import { underOwnName } from './own-name.ts';
import type { Sensor } from './sensor.ts';

const sensor = (hostname: string, more: Partial<Sensor> = {}): Sensor => ({
  ...newSensor(
    {
      ...{ way: 'http', hostname, domain: null, os_version: '', agent_version: '', mac_address: null },
      ...{ code: null, claim: null, address: '192.0.2.7' },
    },
    ...(['code', 'self_heal', 0] as const),
  ),
  ...more,
});
const mine = sensor('desk-7');
const says = (hostname: string, more = {}) => exampleDetection({ subject: mine.id, hostname, ...more });

test('what a sensor reports under the name of another stands under its own, and says what it said', () => {
  const all = [mine, sensor('Server-1')];
  expect(underOwnName(says('server-1'), all)).toMatchObject({
    hostname: 'desk-7',
    metadata: { said_hostname: 'server-1' },
  });
  const full = Object.fromEntries(
    Array.from({ length: METADATA_MAX_ENTRIES }, (_, index) => [`n${index}`, '']),
  );
  expect(underOwnName(says('server-1', { metadata: full }), all)).toMatchObject({
    hostname: 'desk-7',
    metadata: full,
  });
});

test('a name that is its own, that nobody has, or that one had who is out, stays', () => {
  const all = [mine, sensor('DESK-7'), sensor('gone', { revoked_at: '2026-01-01T00:00:00Z' })];
  for (const name of ['Desk-7', 'new-name', 'gone']) {
    const detection = says(name);
    expect(underOwnName(detection, all)).toBe(detection);
  }
  const elsewhere = exampleDetection({ subject: 'appliance', hostname: 'desk-7' });
  expect(underOwnName(elsewhere, all)).toBe(elsewhere);
});
