import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { WATCH_SETTLE_MS } from './limits.ts';
import { watchFolder } from './watch-folder.ts';

let folder: string;
let calls: number;
let end: () => void;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'watch-'));
  calls = 0;
  end = watchFolder(folder, () => {
    calls += 1;
  });
  // The first call only says that the watch began.
  await Bun.sleep(3 * WATCH_SETTLE_MS);
  calls = 0;
});
afterEach(() => {
  end();
  rmSync(folder, { recursive: true, force: true });
});

test('replacing a file is one change', async () => {
  writeFileSync(join(folder, 'health.json.new'), '{}');
  renameSync(join(folder, 'health.json.new'), join(folder, 'health.json'));
  await Bun.sleep(5 * WATCH_SETTLE_MS);
  expect(calls).toBe(1);
});

test('nothing is told after the end', async () => {
  end();
  writeFileSync(join(folder, 'x'), '');
  await Bun.sleep(3 * WATCH_SETTLE_MS);
  expect(calls).toBe(0);
});

test('a folder that does not exist is no error', () => {
  expect(() => watchFolder(join(folder, 'none'), () => {})()).not.toThrow();
});
