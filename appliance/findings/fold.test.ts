import { array, assert, boolean, integer, property, record } from 'fast-check';
import { expect, test } from 'vitest';
import { type CheckState, fold, observedAt } from './fold.ts';
import { exampleDetection, NOON_S } from './lab/detections.ts';
import { LATE_MAX_S } from './limits.ts';

const moment = { now_s: NOON_S + 1_000, finding_id: 'f-1', closes_as: 'detection' } as const;
const open = fold(exampleDetection(), null, moment).state;

test('what fails opens a finding, and what fails again is seen again', () => {
  const first = fold(exampleDetection(), null, moment);
  expect(first).toMatchObject({ transition: 'opened', finding: { id: 'f-1', state: 'open', times_seen: 1 } });
  const again = exampleDetection({ at_s: NOON_S + 60, actual: 'masked', severity: 'critical' });
  const second = fold(again, first.state, { ...moment, finding_id: 'f-2' });
  expect(second.transition).toBe('still_open');
  expect(second.finding).toMatchObject({
    ...{ id: 'f-1', times_seen: 2, actual: 'masked', severity: 'critical' },
    ...{ opened_at: '2026-11-21T12:00:00.000Z', last_seen_at: '2026-11-21T12:01:00.000Z' },
  });
});

test('what passes closes it and says by whom; without a finding it changes nothing', () => {
  const passed = exampleDetection({ passed: true, at_s: NOON_S + 5 });
  expect(fold(passed, open, { ...moment, closes_as: 'healing' })).toMatchObject({
    transition: 'closed',
    finding: { state: 'closed', closed_by: 'healing', closed_at: '2026-11-21T12:00:05.000Z' },
    state: { finding: null, passed: true },
  });
  expect(fold(passed, null, moment)).toMatchObject({ transition: 'none', finding: null });
});

test('what comes late, behind a newer one, changes nothing', () => {
  const late = exampleDetection({ passed: true, at_s: NOON_S - 1 });
  expect(fold(late, open, moment)).toEqual({ state: open, finding: null, transition: 'none' });
});

test('a clock of the future is not believed, or nothing that follows would be newer', () => {
  const future = fold(exampleDetection({ at_s: NOON_S + 10_000_000 }), null, moment);
  const passed = exampleDetection({ passed: true, at_s: moment.now_s });
  expect(fold(passed, future.state, moment).transition).toBe('closed');
});

test('a clock that was set back by years still closes what it opened', () => {
  const passed = exampleDetection({ passed: true, at_s: 1_000 });
  expect(fold(passed, open, moment).transition).toBe('closed');
  expect(observedAt(NOON_S - LATE_MAX_S, NOON_S)).toBe(NOON_S - LATE_MAX_S);
  expect(observedAt(NOON_S - LATE_MAX_S - 1, NOON_S)).toBe(NOON_S);
});

test('whatever comes in whatever order: a finding is open exactly when the newest detection failed', () => {
  const reports = array(record({ passed: boolean(), back_s: integer({ min: 0, max: 900 }) }), {
    minLength: 1,
  });
  assert(
    property(reports, (list) => {
      let state: CheckState | null = null;
      let newest = { at_s: Number.NEGATIVE_INFINITY, passed: true };
      for (const { passed, back_s } of list) {
        const at_s = moment.now_s - back_s;
        state = fold(exampleDetection({ passed, at_s }), state, moment).state;
        if (at_s >= newest.at_s) newest = { at_s, passed };
      }
      expect((state?.finding ?? null) !== null).toBe(!newest.passed);
    }),
  );
});
