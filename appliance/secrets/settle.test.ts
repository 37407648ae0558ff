import { utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { makeFolder } from '../../test/unit/make-folder.ts';
import { SETTLE_MS, SETTLE_ROUNDS_MAX } from './limits.ts';
import { onSettledFiles } from './settle.ts';

function desk() {
  const file = join(makeFolder('settle'), 'secrets.yaml');
  let now_ms = 1_800_000_000_000;
  const slept: number[] = [];
  const write = (age_ms: number) => {
    writeFileSync(file, `${now_ms}`);
    utimesSync(file, new Date(now_ms - age_ms), new Date(now_ms - age_ms));
  };
  const tools = {
    files: () => [file, `${file}.missing`],
    now_ms: () => now_ms,
    sleep: async (duration_ms: number) => {
      slept.push(duration_ms);
      now_ms += duration_ms;
    },
  };
  return { write, slept, tools };
}

it('works at once, and once, on files that were left alone, whatever the clock says of them', async () => {
  for (const age_ms of [SETTLE_MS, 10 * SETTLE_MS, -5000]) {
    const { write, slept, tools } = desk();
    write(age_ms);
    let runs = 0;
    expect(await onSettledFiles(async () => (runs += 1), tools)).toBe(1);
    expect([runs, slept]).toEqual([1, []]);
  }
});

it('waits for a file that was written just now', async () => {
  const { write, slept, tools } = desk();
  write(300);
  expect(await onSettledFiles(async () => 'done', tools)).toBe('done');
  expect(slept).toEqual([SETTLE_MS - 300]);
});

it('works again when a file was changed meanwhile, and ends with somebody who never stops writing', async () => {
  const { write, tools } = desk();
  write(SETTLE_MS);
  let runs = 0;
  const work = async () => {
    runs += 1;
    if (runs < 3) write(0);
    return runs;
  };
  expect(await onSettledFiles(work, tools)).toBe(3);
  const restless = desk();
  restless.write(SETTLE_MS);
  let endless = 0;
  await onSettledFiles(async () => {
    endless += 1;
    restless.write(0);
    return endless;
  }, restless.tools);
  expect(endless).toBeLessThanOrEqual(SETTLE_ROUNDS_MAX);
});
