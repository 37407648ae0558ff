import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type FlapState, filterFlaps } from './flap-filter.ts';
import type { Reading } from './reading.ts';

const RULE = { changes_max: 3, window_s: 100 };

function reading(passed: boolean): Reading {
  return { check_type: 'ssh', passed, expected: 'on', actual: passed ? 'on' : 'off', control: null };
}

/** Reads every `step_s` seconds and gives what was told, by the moment. */
function play(readings: readonly boolean[], step_s: number): [number, Reading][] {
  let state: FlapState | undefined;
  return readings.flatMap((passed, index) => {
    const now_s = index * step_s;
    const judged = filterFlaps(state, reading(passed), now_s, RULE);
    state = judged.state;
    return judged.tell === null ? [] : [[now_s, judged.tell] satisfies [number, Reading]];
  });
}

const flips = (count: number) => Array.from({ length: count }, (_, index) => index % 2 === 0);

test('a steady check, and one that changes as often as is allowed, is told as it is read', () => {
  const readings = [true, true, false, false, true, false];
  expect(play(readings, 10).map(([, told]) => told)).toEqual(readings.map(reading));
});

test('a check that changes more often is told once, as failed, with what it does', () => {
  const told = play(flips(50), 1);
  expect(told.slice(0, 4).map(([, { metadata }]) => metadata)).toEqual(Array(4).fill(undefined));
  expect(told.slice(4)).toEqual([
    [
      4,
      {
        ...reading(false),
        actual: 'flapping: 4 changes in 100 s, 2 of 5 readings failed; now: on',
        metadata: { flapping: 'begins', flapping_for_s: '4', readings_passed: '3', readings_failed: '2' },
      },
    ],
  ]);
});

test('it is told as it is again when it has been steady for a window, with what it did meanwhile', () => {
  const told = play([...flips(20), ...Array<boolean>(15).fill(false)], 10);
  // The last change is at 190: at 290 nothing has changed for a window.
  expect(told.slice(5)).toEqual([
    [
      290,
      { ...reading(false), metadata: expect.objectContaining({ flapping: 'over', readings_passed: '10' }) },
    ],
    ...[300, 310, 320, 330, 340].map((at_s) => [at_s, reading(false)]),
  ]);
});

test('changes that are further apart than the window allows are none too many', () => {
  expect(play(flips(40), 40)).toHaveLength(40);
});

test('whatever a check does: what flaps is silent, and in the end the truth is told', () => {
  fc.assert(
    fc.property(fc.array(fc.boolean(), { maxLength: 200 }), fc.boolean(), (readings, last) => {
      const steady = Array<boolean>(25).fill(last);
      const told = play([...readings, ...steady], 5);
      expect(told.at(-1)?.[1].passed).toBe(last);
      const marks = told.flatMap(([, { metadata }]) => metadata?.['flapping'] ?? []);
      expect(marks).toEqual(marks.map((_, index) => (index % 2 === 0 ? 'begins' : 'over')));
      const begins = told.filter(([, { metadata }]) => metadata?.['flapping'] === 'begins');
      const gaps_s = begins.slice(1).map(([at_s], index) => at_s - (begins[index]?.[0] ?? 0));
      expect(gaps_s.every((gap_s) => gap_s > RULE.window_s)).toBe(true);
    }),
  );
});
