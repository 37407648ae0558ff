import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  describeWindow,
  isOpen,
  type MaintenanceWindow,
  nextOpening,
  WEEKDAYS,
} from './maintenance-window.ts';

const berlin = (
  start: string,
  end: string,
  days: MaintenanceWindow['days'] = WEEKDAYS,
): MaintenanceWindow => ({
  start,
  end,
  days,
  zone: 'Europe/Berlin',
});
const at = (text: string) => new Date(text);

describe('a maintenance window', () => {
  test.each([
    // Berlin is UTC+1 in winter.
    ['2026-11-21T00:59:00Z', false],
    ['2026-11-21T01:00:00Z', true],
    ['2026-11-21T02:59:59Z', true],
    ['2026-11-21T03:00:00Z', false],
  ])('from 02:00 to 04:00 is at %s open: %s', (time, open) => {
    expect(isOpen(berlin('02:00', '04:00'), at(time))).toBe(open);
  });

  test.each([
    // It begins on Saturday, so the night to Sunday belongs to it and the night to Saturday does not.
    ['2026-11-20T23:30:00Z', false],
    ['2026-11-21T21:59:00Z', false],
    ['2026-11-21T22:00:00Z', true],
    ['2026-11-22T00:59:00Z', true],
    ['2026-11-22T01:00:00Z', false],
    ['2026-11-22T22:30:00Z', false],
  ])('on Saturdays from 23:00 to 02:00 crosses midnight: at %s open: %s', (time, open) => {
    expect(isOpen(berlin('23:00', '02:00', ['sat']), at(time))).toBe(open);
  });

  test('from Sunday to Monday crosses the end of the week', () => {
    const sunday = berlin('22:00', '06:00', ['sun']);
    expect(isOpen(sunday, at('2026-11-23T04:00:00Z'))).toBe(true);
    expect(isOpen(sunday, at('2026-11-23T05:00:00Z'))).toBe(false);
  });

  test('with the same start and end lasts a day', () => {
    expect(isOpen(berlin('06:00', '06:00', ['sat']), at('2026-11-22T04:59:00Z'))).toBe(true);
    expect(isOpen(berlin('06:00', '06:00', ['sat']), at('2026-11-22T05:00:00Z'))).toBe(false);
  });

  test('follows the wall clock when the clocks are put forward and back', () => {
    // On 2026-03-29 the hour from 02:00 to 03:00 does not exist in Berlin; on 2026-10-25 it happens twice.
    const hour = berlin('02:00', '03:00');
    const day = (date: string) =>
      Array.from(
        { length: 24 * 60 },
        (_, minute) => new Date(Date.parse(`${date}T00:00:00Z`) + minute * 60_000),
      );
    expect(day('2026-03-29').filter((minute) => isOpen(hour, minute)).length).toBe(0);
    expect(day('2026-10-25').filter((minute) => isOpen(hour, minute)).length).toBe(120);
    expect(day('2026-11-21').filter((minute) => isOpen(hour, minute)).length).toBe(60);
  });

  test('without days never opens', () => {
    expect(isOpen(berlin('00:00', '00:00', []), at('2026-11-21T00:00:00Z'))).toBe(false);
    expect(nextOpening(berlin('00:00', '00:00', []), at('2026-11-21T00:00:00Z'))).toBeUndefined();
  });

  test('says when it opens next', () => {
    expect(nextOpening(berlin('02:00', '04:00', ['mon']), at('2026-11-21T12:34:56Z'))?.toISOString()).toBe(
      '2026-11-23T01:00:00.000Z',
    );
    const now = at('2026-11-23T01:30:10Z');
    expect(nextOpening(berlin('02:00', '04:00', ['mon']), now)).toBe(now);
  });

  test('opens at the minute it says and not in the minute before', () => {
    const time = fc.tuple(fc.integer({ min: 0, max: 23 }), fc.integer({ min: 0, max: 59 }));
    const text = ([hour, minute]: [number, number]) =>
      `${String(hour).padStart(2, '0')}:${String(minute).padStart(2, '0')}`;
    fc.assert(
      fc.property(
        time,
        time,
        fc.uniqueArray(fc.constantFrom(...WEEKDAYS), { minLength: 1 }),
        fc.constantFrom('UTC', 'Europe/Berlin', 'America/St_Johns', 'Asia/Kathmandu'),
        fc.date({ min: at('2026-01-01T00:00:00Z'), max: at('2027-12-31T00:00:00Z'), noInvalidDate: true }),
        (start, end, days, zone, now) => {
          const window = { start: text(start), end: text(end), days, zone };
          const opening = nextOpening(window, now);
          if (opening === undefined) throw new Error('a window with days opens within eight days');
          expect(isOpen(window, opening)).toBe(true);
          if (opening !== now) expect(isOpen(window, new Date(opening.getTime() - 60_000))).toBe(false);
        },
      ),
      { numRuns: 60 },
    );
  });

  test.each(['2:00', '24:00', '02:60', 'noon', ''])('refuses %j as a time', (start) => {
    expect(() => isOpen(berlin(start, '04:00'), at('2026-11-21T00:00:00Z'))).toThrow(/no time of day/);
  });

  test('refuses a zone that does not exist', () => {
    const window = { ...berlin('02:00', '04:00'), zone: 'Europe/Atlantis' };
    expect(() => isOpen(window, at('2026-11-21T00:00:00Z'))).toThrow(/no time zone/);
  });

  test('reads well', () => {
    expect(describeWindow(berlin('02:00', '04:00'))).toBe('every day 02:00-04:00 Europe/Berlin');
    expect(describeWindow(berlin('02:00', '04:00', ['sat', 'sun']))).toBe(
      'sat, sun 02:00-04:00 Europe/Berlin',
    );
  });
});
