import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import type { ControlState } from '../../status-page/compliance/report.ts';
import { makeFolder } from '../../test/unit/make-folder.ts';
import { openSiteStore, type SiteStore } from '../site/store/store.ts';
import { SAMPLES_KEPT_DAYS } from './limits.ts';
import { COMPLIANCE_PART, hourOf, readHistory, writeSamples } from './samples.ts';
import { countStates } from './tally.ts';

const stores: SiteStore[] = [];
afterEach(() => {
  for (const store of stores.splice(0)) store.stop();
});

function open(): SiteStore {
  const file = join(makeFolder('samples'), 'site.db');
  const store = openSiteStore({ file, parts: [COMPLIANCE_PART], warn: () => {} });
  stores.push(store);
  return store;
}

const HOUR_S = 3_600;
const DAY_S = 24 * HOUR_S;
const FIRST_S = hourOf(Date.parse('2026-11-21T00:30:00Z'));
const scope = (...states: ControlState[]) => new Map([['appliance', countStates(states)]]);
const rows = (store: SiteStore) =>
  store.database.query<{ rows: number }, []>('select count(*) as rows from compliance_samples').get()?.rows;
const rates = (store: SiteStore, until_s: number, step: 'hour' | 'day' = 'hour', from_s = 0) =>
  readHistory(store.database, { scope: 'appliance', from_s, until_s, step }).map(({ at, rate }) => [
    at.slice(5, 13),
    rate,
  ]);

test('hours with the same numbers are one row, and each of them is a point', async () => {
  const store = open();
  for (let hour = 0; hour < 6; hour += 1)
    await writeSamples(store, FIRST_S + hour * HOUR_S, scope('holds', hour < 3 ? 'holds' : 'fails'));
  expect(rows(store)).toBe(2);
  expect(rates(store, FIRST_S + 5 * HOUR_S)).toEqual([
    ['11-21T00', 1],
    ['11-21T01', 1],
    ['11-21T02', 1],
    ['11-21T03', 0.5],
    ['11-21T04', 0.5],
    ['11-21T05', 0.5],
  ]);
  expect(rates(store, FIRST_S + 5 * HOUR_S, 'hour', FIRST_S + 2 * HOUR_S)[0]).toEqual(['11-21T02', 1]);
});

test('an hour in which nobody looked has no point', async () => {
  const store = open();
  await writeSamples(store, FIRST_S, scope('holds'));
  await writeSamples(store, FIRST_S + 5 * HOUR_S, scope('holds'));
  expect(rates(store, FIRST_S + 9 * HOUR_S).map(([at]) => at)).toEqual(['11-21T00', '11-21T05']);
});

test('a second look in the same hour replaces the first, also back to what was before', async () => {
  const store = open();
  await writeSamples(store, FIRST_S, scope('holds'));
  await writeSamples(store, FIRST_S + HOUR_S, scope('fails'));
  expect(rates(store, FIRST_S + HOUR_S).at(-1)).toEqual(['11-21T01', 0]);
  await writeSamples(store, FIRST_S + HOUR_S, scope('holds'));
  expect(rates(store, FIRST_S + HOUR_S).at(-1)).toEqual(['11-21T01', 1]);
  expect(rows(store)).toBe(1);
});

test('by the day it is the last hour of each day', async () => {
  const store = open();
  await writeSamples(store, FIRST_S, scope('holds'));
  await writeSamples(store, FIRST_S + 20 * HOUR_S, scope('fails'));
  await writeSamples(store, FIRST_S + 30 * HOUR_S, scope('holds'));
  expect(rates(store, FIRST_S + 2 * DAY_S, 'day')).toEqual([
    ['11-21T20', 0],
    ['11-22T06', 1],
  ]);
});

test('a scope that has nothing any more has no rate', async () => {
  const store = open();
  await writeSamples(store, FIRST_S, scope('holds'));
  await writeSamples(store, FIRST_S + HOUR_S, new Map());
  expect(rates(store, FIRST_S + HOUR_S)).toEqual([
    ['11-21T00', 1],
    ['11-21T01', null],
  ]);
});

test('what is too old goes, and the oldest hour that stays keeps its numbers', async () => {
  const store = open();
  await writeSamples(store, FIRST_S, scope('fails'));
  await writeSamples(store, FIRST_S + HOUR_S, scope('holds'));
  await writeSamples(store, FIRST_S + 2 * DAY_S, scope('holds'));
  const now_s = FIRST_S + (SAMPLES_KEPT_DAYS + 1) * DAY_S;
  await writeSamples(store, now_s, scope('holds'));
  expect(rows(store)).toBe(1);
  expect(rates(store, now_s).map(([, rate]) => rate)).toEqual([1, 1]);
});
