import { expect, test } from 'vitest';
import { cost, joined, noise, numbers } from './test-blobs.ts';

/** What a rebuild does: little changes, and every address behind it does. Synthetic, so that the promise is exact. */

const FUNCTIONS = 600;
const CALLS_PER_FUNCTION = 12;

/** Functions of noise with calls of each other by distance, as a linker lays them out; some have grown. */
function program(grown: (number: number) => number): Uint8Array {
  const next = numbers('program');
  const bodies = Array.from({ length: FUNCTIONS }, (_, number) => ({
    parts: Array.from({ length: CALLS_PER_FUNCTION }, (_, part) => ({
      code: noise(`code ${number} ${part}`, 10 + Math.floor(next() * 30)).map((byte) => byte & 0x7f),
      callee: Math.floor(next() ** 2 * FUNCTIONS),
    })),
    more: noise(`more ${number}`, grown(number)),
  }));
  const starts: number[] = [];
  let size = 0;
  for (const { parts, more } of bodies) {
    starts.push(size);
    size += parts.reduce((sum, { code }) => sum + code.length + 5, more.length);
  }
  const image = Buffer.alloc(size);
  let at = 0;
  for (const { parts, more } of bodies) {
    for (const { code, callee } of parts) {
      at += Buffer.from(code).copy(image, at);
      at = image.writeUInt8(0xe8, at);
      at = image.writeInt32LE((starts[callee] ?? 0) - (at + 4), at);
    }
    at += Buffer.from(more).copy(image, at);
  }
  return image;
}

test('code that moved costs what was put in, not its addresses', async () => {
  const base = program(() => 0);
  const target = program((number) => (number % 50 === 25 ? 40 : 0));
  const inserted = (FUNCTIONS / 50) * 40;
  // Most of the 7,200 calls change in one to three bytes; taken as bytes they cost more than three times as much.
  expect(await cost(base, target)).toBeLessThan(inserted + 1500);
});

/** Rows of six words: a place that moves with the code, a constant, and a place elsewhere. */
function table(moved: (place: number) => number, extraRow: number): Uint8Array {
  const next = numbers('table');
  const rows: number[] = [];
  for (let row = 0, place = 0x1000; row < 2000; row += 1) {
    place += 8 + 8 * Math.floor(next() * 6);
    const goal = 0x20000 + 16 * Math.floor(next() * 4000);
    if (row === extraRow) rows.push(moved(place) - 4, 0, 8, 0, 0x77777, 0);
    rows.push(moved(place), 0, 8, 0, moved(goal), 0);
  }
  return new Uint8Array(Uint32Array.from(rows).buffer);
}

test('a table whose addresses all moved is recognised, even with a row put in', async () => {
  const base = table((place) => place, -1);
  const target = table((place) => place + (place > 0x9000 ? 0x140 : 0x30), 900);
  expect(base.length).toBe(48_000);
  // 4,000 words differ.
  expect(await cost(base, target)).toBeLessThan(300);
});

test('a file that moved into another place with a change in it is found', async () => {
  const file = noise('file', 60_000);
  const base = joined(noise('front', 3 * 4096), file, noise('back', 50_001));
  const changed = joined(file.subarray(0, 30_000), noise('line', 50), file.subarray(30_010));
  const target = joined(noise('front', 3 * 4096), noise('new', 7777), changed, noise('back', 50_001));
  expect(await cost(base, target)).toBeLessThan(7777 + 50 + 100);
});

test('what is repeated in the new part alone is paid for once', async () => {
  const fresh = noise('fresh', 300);
  const base = noise('base', 8192);
  const once = await cost(base, joined(base, fresh));
  const often = await cost(base, joined(base, ...Array.from({ length: 20 }, () => fresh)));
  expect(often - once).toBeLessThan(60);
});

test('what is repeated far behind is still known', async () => {
  const text = (seed: string, size: number) => noise(seed, size).map((byte) => byte & 0x3f);
  const fresh = text('fresh', 20_000);
  const between = text('between', 200_000);
  const base = noise('base', 8192);
  const once = await cost(base, joined(base, fresh, between));
  const twice = await cost(base, joined(base, fresh, between, fresh));
  expect(twice - once).toBeLessThan(200);
});
