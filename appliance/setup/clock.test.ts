import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Run } from '../../base/run.ts';
import {
  correctClock,
  decideClock,
  readBuildTime,
  readSavedClock,
  saveClock,
  shouldSaveClock,
} from './clock.ts';

const at = (text: string) => Date.parse(`${text}Z`);
const BUILT = at('2026-11-21T00:00:00');
const facts = (now: number, saved: number | null = null) => ({
  now_ms: now,
  built_ms: BUILT,
  saved_ms: saved,
});

it('leaves a clock alone that can be right', () => {
  expect(decideClock(facts(BUILT))).toBeNull();
  expect(decideClock(facts(at('2031-01-01T00:00:00'), at('2030-12-31T00:00:00')))).toBeNull();
  expect(decideClock({ now_ms: 0, built_ms: null, saved_ms: null })).toBeNull();
});

it('sets a clock from before the build to the newest time that is known', () => {
  expect(decideClock(facts(0))?.set_ms).toBe(BUILT);
  expect(decideClock(facts(0, at('2027-05-01T12:00:00')))?.set_ms).toBe(at('2027-05-01T12:00:00'));
  // Saved by the slot before an update: older than the new image.
  expect(decideClock(facts(0, at('2026-01-01T00:00:00')))?.set_ms).toBe(BUILT);
});

it('does not let the clock run backwards over a restart, and does not believe the far future', () => {
  expect(decideClock(facts(BUILT + 1000, BUILT + 5000))?.set_ms).toBe(BUILT + 5000);
  expect(decideClock(facts(at('2099-01-01T00:00:00'), BUILT + 5000))?.set_ms).toBe(BUILT + 5000);
  expect(decideClock(facts(0, at('2099-01-01T00:00:00')))?.set_ms).toBe(BUILT);
});

it('always ends at a time that it would leave alone', () => {
  const time = fc.integer({ min: 0, max: at('2120-01-01T00:00:00') });
  fc.assert(
    fc.property(time, fc.option(time), (now, saved) => {
      const decision = decideClock(facts(now, saved));
      if (decision) expect(decideClock(facts(decision.set_ms, saved))).toBeNull();
    }),
  );
});

it('saves a synchronised time always, and another only when it moves on', () => {
  expect(shouldSaveClock(facts(BUILT + 1, BUILT + 9), true)).toBe(true);
  expect(shouldSaveClock(facts(BUILT + 1, BUILT + 9), false)).toBe(false);
  expect(shouldSaveClock(facts(BUILT + 9, BUILT + 1), false)).toBe(true);
  expect(shouldSaveClock(facts(BUILT - 1), true)).toBe(false);
  expect(shouldSaveClock(facts(at('2099-01-01T00:00:00')), true)).toBe(false);
});

it('reads back what it saved, and takes anything else for nothing', () => {
  const folder = mkdtempSync(join(tmpdir(), 'bulkhead-clock-'));
  const file = join(folder, 'clock');
  expect(readSavedClock(file)).toBeNull();
  expect(saveClock(facts(BUILT + 1234), file, join(folder, 'mark'))).toBe(true);
  expect(readSavedClock(file)).toBe(BUILT + 1234);
  expect(saveClock(facts(BUILT, BUILT + 1234), file, join(folder, 'mark'))).toBe(false);
  writeFileSync(join(folder, 'mark'), '');
  expect(saveClock(facts(BUILT, BUILT + 1234), file, join(folder, 'mark'))).toBe(true);
  expect(readFileSync(file, 'utf8')).toBe('2026-11-21T00:00:00.000Z\n');
  for (const text of ['', '\0'.repeat(25), 'yesterday', '2026', 'x'.repeat(1000)]) {
    writeFileSync(file, text);
    expect(readSavedClock(file)).toBeNull();
    expect(readBuildTime(file)).toBeNull();
  }
  writeFileSync(file, '{"built_at":"2026-11-21T00:00:00Z"}');
  expect(readBuildTime(file)).toBe(BUILT);
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
