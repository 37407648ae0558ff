import { describe, expect, test } from 'vitest';
import type { Sensor } from '../registry/sensor.ts';
import { OFFER_TURN_MS, OFFERS_AT_ONCE } from './limits.ts';
import { createOffers, newerProgram } from './offers.ts';
import type { SensorProgram } from './program-folder.ts';

const program = (platform: SensorProgram['platform'], version: string): SensorProgram => ({
  ...{ platform, version, size_bytes: 1, sha256: 'ab'.repeat(32), file: '', signature_file: '' },
});
const PROGRAMS = [
  program('linux-x64', '1.10.0'),
  program('linux-x64', '1.9.0'),
  program('windows-x64', '2.0.0'),
];

const sensor = (more: Partial<Sensor> = {}): Sensor => ({
  ...{ id: 's-1', hostname: 'ws-1', way: 'grpc', domain: null, os_version: 'Debian GNU/Linux 12' },
  ...{
    agent_version: '1.9.0',
    mac_address: null,
    tier: 'monitor_only',
    admitted_at: '',
    admitted_by: 'code',
  },
  ...{ revoked_at: null, last_heard_at: null, mode: null, drift_count: 0, healing_count: 0 },
  ...more,
});

describe('a sensor should run', () => {
  test.each([
    ['the newest of its platform', {}, '1.10.0'],
    ['that of Windows on Windows', { os_version: 'Windows 11 Pro 10.0.22631' }, '2.0.0'],
    ['a release after the one that was tried before it', { agent_version: '1.10.0-rc.1' }, '1.10.0'],
    ['nothing else when it has the newest', { agent_version: '1.10.0' }, null],
    ['nothing else when it has a newer one', { agent_version: '1.11.0' }, null],
    ['what it runs, when its version is none of ours', { agent_version: 'probe 3' }, null],
    ['what it runs, when it is a script', { way: 'http' as const }, null],
    ['what it runs, when it was revoked', { revoked_at: '2026-11-21T00:00:00Z' }, null],
    ['what it runs, where there is no program for it', { os_version: 'Darwin 24' }, null],
  ])('%s', (_, more, version) => {
    expect(newerProgram(sensor(more), PROGRAMS)?.version ?? null).toBe(version);
  });
});

describe('an offer', () => {
  const offers = (now_ms = () => 0) =>
    createOffers({ programs: { list: () => PROGRAMS }, port: 8080, now_ms });

  test.each([
    ['192.0.2.7', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['2001:db8::7', '[2001:db8::7]'],
  ])('names the address %s that the sensor has come to', (address, host) => {
    expect(offers()(sensor(), address)).toEqual({
      ...{ version: '1.10.0', sha256: 'ab'.repeat(32) },
      url: `http://${host}:8080/sensor/program/linux-x64/1.10.0`,
    });
  });

  test.each(['fe80::1', 'fe80::1%eth0', null])('is not made by %s, which no URL can name', (address) => {
    expect(offers()(sensor(), address)).toBeNull();
  });

  test('goes to so many at a time; the next has its turn when one has updated itself, or has had its time', () => {
    let now_ms = 0;
    const offer = offers(() => now_ms);
    const ask = (index: number, more: Partial<Sensor> = {}) =>
      offer(sensor({ id: `s-${index}`, ...more }), '192.0.2.7') !== null;
    const first = Array.from({ length: OFFERS_AT_ONCE }, (_, index) => index);
    expect(first.map((index) => ask(index))).not.toContain(false);
    expect(ask(100)).toBe(false);
    // Its turn is still its turn.
    expect(ask(0)).toBe(true);
    expect(ask(0, { agent_version: '1.10.0' })).toBe(false);
    expect(ask(100)).toBe(true);
    expect(ask(101)).toBe(false);
    now_ms = OFFER_TURN_MS;
    expect(ask(101)).toBe(true);
  });
});
