import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseDefinition } from './definition.ts';
import { type Drift, driftOf, driftOfFleet } from './drift.ts';
import { automaticRollout, desiredVersion, latestRelease, type PastRollout, type Release } from './policy.ts';
import { firstInLine, placeInLine, seatsOf, standInLine } from './sample.ts';
import { v } from './testing/rehearse.ts';

const REQUEST = { version: '1.1.0', channel: 'stable', compatible: ['hp-t640'], cohort: 'all' };

describe('a definition', () => {
  test('what is left out has the usual values', () => {
    expect(parseDefinition('spring', REQUEST)).toMatchObject({
      id: 'spring',
      origin: 'operator',
      joining: 'frozen',
      stages: [{ percent: 5 }, { percent: 25 }, { percent: 100 }],
      errors_max_percent: 10,
      errors_max_count: null,
      window: null,
      floors: [],
      allow_downgrade: false,
    });
  });

  test.each([
    [{ version: 'latest' }, '/version'],
    [{ cohort: undefined }, '/cohort'],
    [{ stages: [] }, '/stages'],
    [{ stages: [{ percent: 0 }] }, '/stages/0'],
    [{ stages: [{ percent: 5, count: 5 }] }, '/stages/0'],
    [{ stages: [{ percent: 25 }, { percent: 5 }] }, '/stages/1: no larger than the stage before'],
    [{ stages: [{ count: 5 }, { percent: 5 }, { count: 5 }] }, '/stages/2: no larger'],
    [{ errors_max_percent: 101 }, '/errors_max_percent'],
    [{ parallel_max: 0 }, '/parallel_max'],
    [{ soak_ms: -1 }, '/soak_ms'],
    [{ order_deadline_ms: 1000 }, '/order_deadline_ms'],
    [{ floors: ['1.0'] }, '/floors/0'],
    [{ unknown: true }, '/unknown'],
    [{ window: { start: '2', end: '04:00', days: ['mon'], zone: 'UTC' } }, '/window: is none'],
    [{ window: { start: '02:00', end: '04:00', days: [], zone: 'UTC' } }, '/window'],
    [
      { window: { start: '02:00', end: '04:00', days: ['mon'], zone: 'UTC' }, stage_deadline_ms: 86_400_000 },
      '/stage_deadline_ms: would end a stage before the window has opened once',
    ],
  ])('%o is refused with its place', (change, place) => {
    const attempt = () => parseDefinition('spring', { ...REQUEST, ...change });
    expect(attempt).toThrow(expect.objectContaining({ code: 'ROLLOUT_INVALID' }));
    expect(attempt).toThrow(place);
  });

  test('a wrong query is refused with its own code', () => {
    const attempt = () => parseDefinition('spring', { ...REQUEST, cohort: 'tag.site' });
    expect(attempt).toThrow(expect.objectContaining({ code: 'COHORT_QUERY_INVALID' }));
  });

  test('anything at all is read or refused, never anything else', () => {
    fc.assert(
      fc.property(fc.anything(), (anything) => {
        expect(() => parseDefinition('x', anything)).toThrow(
          expect.objectContaining({ code: 'ROLLOUT_INVALID' }),
        );
      }),
    );
  });
});

describe('the line', () => {
  test('places are those of SHA-256, on every machine', () => {
    expect(placeInLine('spring', 'box-1')).toBeCloseTo(0.62574632, 8);
  });

  test('a smaller stage is a part of the larger one, and of the size that was asked for', () => {
    const ids = fc.uniqueArray(fc.string(), { maxLength: 60 });
    const percents = fc.tuple(fc.integer({ min: 1, max: 100 }), fc.integer({ min: 1, max: 100 }));
    fc.assert(
      fc.property(fc.string(), ids, percents, (rollout, fleet, [a, b]) => {
        const line = standInLine(rollout, fleet);
        expect(line.toSorted()).toEqual(fleet.toSorted());
        expect(standInLine(rollout, fleet.toReversed())).toEqual(line);
        const [low, high] = a < b ? [a, b] : [b, a];
        const stages = [{ percent: low }, { percent: high }];
        const [few, more] = [seatsOf(stages, 0, line.length), seatsOf(stages, 1, line.length)];
        expect(few).toBe(Math.ceil((line.length * low) / 100));
        expect(few).toBeLessThanOrEqual(more);
        expect(more).toBeLessThanOrEqual(line.length);
        expect(firstInLine(rollout, fleet, few)).toEqual(line.slice(0, few));
      }),
    );
  });

  test('every rollout begins with others', () => {
    const fleet = Array.from({ length: 1000 }, (_, index) => `box-${index}`);
    const first = (rollout: string) => new Set(standInLine(rollout, fleet).slice(0, 100));
    const both = first('spring').intersection(first('summer'));
    expect(both.size).toBeLessThan(30);
  });
});

const RELEASES: Release[] = (
  [
    ['1.0.0', 'stable'],
    ['1.1.0', 'stable'],
    ['1.2.0-rc.1', 'beta'],
    ['1.2.0', 'stable'],
    ['1.3.0', 'stable'],
  ] as const
).map(([version, channel]) => ({ version: v(version), channel, withdrawn: version === '1.3.0' }));

test.each([
  ['1.1.0', '1.1.0', { state: 'up_to_date' }],
  ['1.0.0', '1.1.0', { state: 'behind', releases: 1 }],
  ['1.0.0', '1.2.0', { state: 'behind', releases: 3 }],
  ['1.3.0', '1.1.0', { state: 'ahead', releases: 3 }],
  ['9.0.0', '1.1.0', { state: 'unknown' }],
  [null, '1.1.0', { state: 'unknown' }],
  ['1.1.0', null, { state: 'no_deployment' }],
  [null, null, { state: 'no_deployment' }],
] as [string | null, string | null, Drift][])('%s where %s is desired', (running, desired, drift) => {
  expect(
    driftOf(running === null ? null : v(running), desired === null ? null : v(desired), RELEASES),
  ).toEqual(drift);
});

test('another build of the same version is not up to date', () => {
  const builds = ['1.0.0+a', '1.0.0+b'].map((version) => ({
    version: v(version),
    channel: 'x',
    withdrawn: false,
  }));
  expect(driftOf(v('1.0.0+a'), v('1.0.0+b'), builds)).toEqual({ state: 'behind', releases: 1 });
});

test('a fleet is counted', () => {
  const drifts = ['1.1.0', '1.0.0', '9.0.0', '1.0.0'].map((running) =>
    driftOf(v(running), v('1.1.0'), RELEASES),
  );
  expect(driftOfFleet(drifts)).toEqual({ up_to_date: 1, behind: 2, ahead: 0, unknown: 1, no_deployment: 0 });
});

test('policies say what an appliance should run', () => {
  expect(latestRelease(RELEASES, 'stable')).toBe('1.2.0');
  expect(latestRelease(RELEASES, 'none')).toBeUndefined();
  const assigned = v('1.0.0');
  expect(desiredVersion({ kind: 'manual' }, assigned, RELEASES)).toBe('1.0.0');
  expect(desiredVersion({ kind: 'manual' }, null, RELEASES)).toBeNull();
  expect(desiredVersion({ kind: 'pinned', version: v('1.1.0') }, assigned, RELEASES)).toBe('1.1.0');
  expect(desiredVersion({ kind: 'auto_latest', channel: 'beta' }, assigned, RELEASES)).toBe('1.2.0-rc.1');
  expect(desiredVersion({ kind: 'auto_latest', channel: 'none' }, assigned, RELEASES)).toBe('1.0.0');
});

test('a channel begins with its newest release by itself, once, and instead of what is under way', () => {
  const past = (id: string, version: string, change: Partial<PastRollout> = {}): PastRollout => ({
    ...{ id, version: v(version), channel: 'stable', origin: 'auto_latest', over: false, completed: false },
    ...change,
  });
  expect(automaticRollout('stable', RELEASES, [], false)).toEqual({ begin: '1.2.0', cancel: [] });
  expect(automaticRollout('none', RELEASES, [], false)).toBeUndefined();
  const others = [
    past('a', '1.0.0', { over: true }),
    past('b', '1.1.0'),
    past('c', '1.1.0', { channel: 'beta' }),
    past('d', '1.2.0', { origin: 'operator' }),
  ];
  expect(automaticRollout('stable', RELEASES, others, false)).toEqual({ begin: '1.2.0', cancel: ['b'] });
  const cancelled = past('a', '1.2.0', { over: true });
  const completed = past('b', '1.2.0', { over: true, completed: true });
  for (const newcomers of [true, false])
    expect(automaticRollout('stable', RELEASES, [cancelled, completed], newcomers)).toBeUndefined();
  expect(automaticRollout('stable', RELEASES, [completed], false)).toBeUndefined();
  expect(automaticRollout('stable', RELEASES, [completed], true)).toEqual({ begin: '1.2.0', cancel: [] });
});
