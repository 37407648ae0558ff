import { afterEach, beforeEach, expect, test } from 'vitest';
import { fileServer } from '../fetch/lab/file-server.ts';
import { codeOf, collect, SteppingClock, sampleFile } from '../fetch/lab/lab.ts';
import { releasePlace } from './release-place.ts';

/** Servers that answer at once, and a clock that is moved on by waiting. */

const HOUR_MS = 3_600_000;
let clock: SteppingClock;
const cleanups: (() => Promise<void>)[] = [];
beforeEach(() => {
  clock = new SteppingClock();
});
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

function placeAt(busy: (path: string) => boolean) {
  const server = fileServer(sampleFile(50_000), {
    instead: ({ url }) => (busy(new URL(url).pathname) ? new Response(null, { status: 503 }) : undefined),
  });
  cleanups.push(server.stop);
  return releasePlace([server.url], { clock, random: () => 1, retry_for_ms: 12 * HOUR_MS });
}

const waited_ms = () => clock.slept_ms.reduce((sum, slept_ms) => sum + slept_ms, 0);

test('a delta on a server that is busy for ever keeps the bundle waiting for minutes, not for hours', async () => {
  const place = placeAt((path) => path.includes('.from-'));
  expect(await codeOf(place.find('.from-0123456789abcdef'))).toBe('FETCH_GAVE_UP');
  expect(waited_ms()).toBeGreaterThan(60_000);
  expect(waited_ms()).toBeLessThan(HOUR_MS / 2);
  expect(await collect(place.bundle, 0, 100)).toHaveLength(100);
});

test('one that was found and is busy from then on is waited for no longer', async () => {
  let found = false;
  const place = placeAt((path) => found && path.endsWith('.blocks'));
  const blocks = await place.find('.blocks');
  found = true;
  if (!blocks) throw new Error('the blocks are there');
  expect(await codeOf(collect(blocks, 0, 100))).toBe('FETCH_GAVE_UP');
  expect(waited_ms()).toBeLessThan(HOUR_MS / 2);
});

test('all ways together wait less than a day for the bundle', async () => {
  const place = placeAt(() => true);
  for (let way = 0; way < 3; way += 1) expect(await codeOf(place.bundle.size_bytes())).toBe('FETCH_GAVE_UP');
  expect(waited_ms()).toBeGreaterThan(12 * HOUR_MS);
  expect(waited_ms()).toBeLessThan(21 * HOUR_MS);
});
