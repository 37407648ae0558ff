import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it, onTestFinished } from 'vitest';
import type { Run } from '../../base/run.ts';
import {
  correctClock,
  decideClock,
  readBuildTime,
  readSavedClock,
  saveClock,
  worthOfClock,
} from './clock.ts';

const at = (text: string) => Date.parse(`${text}Z`);
const BUILT = at('2026-11-21T00:00:00');
const facts = (now: number, saved: number | null = null, confirmed: number | null = null) => ({
  now_ms: now,
  built_ms: BUILT,
  confirmed_ms: confirmed,
  saved_ms: saved,
});

it('leaves a clock alone that can be right', () => {
  expect(decideClock(facts(BUILT))).toBeNull();
  const later = at('2030-12-31T00:00:00');
  expect(decideClock(facts(at('2031-01-01T00:00:00'), later, later))).toBeNull();
  expect(decideClock({ now_ms: 0, built_ms: null, confirmed_ms: null, saved_ms: null })).toBeNull();
});

it('sets a clock from before the build to the newest time that is known', () => {
  expect(decideClock(facts(0))?.set_ms).toBe(BUILT);
  expect(decideClock(facts(0, at('2027-05-01T12:00:00')))?.set_ms).toBe(at('2027-05-01T12:00:00'));
  expect(decideClock(facts(0, null, BUILT + 5000))?.set_ms).toBe(BUILT + 5000);
  expect(decideClock(facts(0, BUILT + 9000, BUILT + 5000))?.set_ms).toBe(BUILT + 9000);
  expect(decideClock(facts(0, BUILT + 1000, BUILT + 5000))?.set_ms).toBe(BUILT + 5000);
  // Saved by the slot before an update: older than the new image.
  expect(decideClock(facts(0, at('2026-01-01T00:00:00'), at('2026-01-01T00:00:00')))?.set_ms).toBe(BUILT);
});

it('does not let the clock run backwards behind what NTP confirmed, and does not believe the far future', () => {
  expect(decideClock(facts(BUILT + 1000, null, BUILT + 5000))?.set_ms).toBe(BUILT + 5000);
  expect(decideClock(facts(at('2099-01-01T00:00:00'), BUILT + 5000))?.set_ms).toBe(BUILT + 5000);
  expect(decideClock(facts(0, at('2099-01-01T00:00:00'), at('2099-01-01T00:00:00')))?.set_ms).toBe(BUILT);
});

it('a fast clock that was saved never overrules one that is right again, and is forgotten with the next saving', () => {
  const right = at('2027-03-01T00:00:00');
  const fast = at('2036-03-01T00:00:00');
  expect(decideClock(facts(right, fast))).toBeNull();
  expect(decideClock(facts(right, fast, right - 5000))).toBeNull();
  expect(worthOfClock(facts(right, fast), false)).toBe('shown');
  expect(worthOfClock(facts(right, fast, fast), true)).toBe('confirmed');
});

it('always ends at a time that it would leave alone', () => {
  const time = fc.integer({ min: 0, max: at('2120-01-01T00:00:00') });
  fc.assert(
    fc.property(time, fc.option(time), fc.option(time), (now, saved, confirmed) => {
      const decision = decideClock(facts(now, saved, confirmed));
      if (decision) expect(decideClock(facts(decision.set_ms, saved, confirmed))).toBeNull();
    }),
  );
});

it('keeps a synchronised time as confirmed, and another as shown when it is not before a confirmed one', () => {
  expect(worthOfClock(facts(BUILT + 1, null, BUILT + 9), true)).toBe('confirmed');
  expect(worthOfClock(facts(BUILT + 1, null, BUILT + 9), false)).toBe('nothing');
  expect(worthOfClock(facts(BUILT + 9, null, BUILT + 1), false)).toBe('shown');
  expect(worthOfClock(facts(BUILT + 1, BUILT + 9), false)).toBe('shown');
  expect(worthOfClock(facts(BUILT - 1), true)).toBe('nothing');
  expect(worthOfClock(facts(at('2099-01-01T00:00:00')), true)).toBe('nothing');
});

it('reads back what it saved, and takes anything else for nothing', () => {
  const folder = mkdtempSync(join(tmpdir(), 'bulkhead-clock-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const files = { saved: join(folder, 'clock'), confirmed: join(folder, 'clock-confirmed') };
  const mark = join(folder, 'mark');
  const read = () => [readSavedClock(files.saved), readSavedClock(files.confirmed)];
  expect(read()).toEqual([null, null]);
  expect(saveClock(facts(BUILT + 1234), files, mark)).toBe('shown');
  expect(read()).toEqual([BUILT + 1234, null]);
  writeFileSync(mark, '');
  expect(saveClock(facts(BUILT + 1000, BUILT + 1234), files, mark)).toBe('confirmed');
  expect(read()).toEqual([BUILT + 1000, BUILT + 1000]);
  rmSync(mark);
  expect(saveClock(facts(BUILT, BUILT + 1000, BUILT + 1000), files, mark)).toBe('nothing');
  expect(readFileSync(files.saved, 'utf8')).toBe('2026-11-21T00:00:01.000Z\n');
  for (const text of ['', '\0'.repeat(25), 'yesterday', '2026', 'x'.repeat(1000)]) {
    writeFileSync(files.saved, text);
    expect(readSavedClock(files.saved)).toBeNull();
    expect(readBuildTime(files.saved)).toBeNull();
  }
  writeFileSync(files.saved, '{"built_at":"2026-11-21T00:00:00Z"}');
  expect(readBuildTime(files.saved)).toBe(BUILT);
});

it('sets the clock by date, and says from when to when', async () => {
  const calls: string[] = [];
  const record: Run = (program, args) => {
    calls.push([program, ...args].join(' '));
    return Promise.resolve({ code: 0, stdout: '', stderr: '' });
  };
  expect(await correctClock(facts(0), record)).toBe(
    'the clock stood before the image was built; set to the build date of the image (from 1970-01-01T00:00:00.000Z to 2026-11-21T00:00:00.000Z)',
  );
  expect(calls).toEqual([`date -u -s @${BUILT / 1000}`]);
  expect(await correctClock(facts(BUILT), record)).toBeNull();
  expect(calls).toHaveLength(1);
  const fail: Run = () => Promise.resolve({ code: 1, stdout: '', stderr: 'not permitted' });
  await expect(correctClock(facts(0), fail)).rejects.toMatchObject({ code: 'CLOCK_NOT_SET' });
});
