import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { run, runOrThrow } from '../../../base/run.ts';
import { initialState } from '../../../partitions/boot-state.ts';
import { checkDataStates, planDataChecks } from './data-checks.ts';
import { type HandEntry, type Lab, makeLab, serialiseLog } from './lab.ts';
import { WriteLog } from './write-log.ts';

let lab: Lab;
beforeAll(async () => {
  lab = await makeLab(initialState('A'), true);
});
afterAll(() => lab.remove());

/** What commands of debugfs change in a file system, as one write. */
async function changeBy(image: string, commands: readonly string[]): Promise<HandEntry> {
  const before = readFileSync(image);
  const script = `${image}.script`;
  writeFileSync(script, commands.map((command) => `${command}\n`).join(''));
  await runOrThrow(run, 'debugfs', ['-w', '-f', script, image]);
  const after = readFileSync(image);
  let [first, last] = [0, after.length - 1];
  while (first < last && before[first] === after[first]) first += 1;
  while (last > first && before[last] === after[last]) last -= 1;
  const [start, end] = [first - (first % 512), last - (last % 512) + 512];
  return {
    offset_bytes: lab.shape.data.start_bytes + start,
    bytes: Uint8Array.from(after.subarray(start, end)),
  };
}

async function check(entries: readonly HandEntry[], most: number) {
  const folder = mkdtempSync(join(lab.folder, 'data-'));
  const path = join(folder, 'log');
  writeFileSync(path, serialiseLog(entries));
  const log = new WriteLog(path);
  try {
    const plan = planDataChecks(log, lab.shape, () => 0.3, most);
    const none = { ...plan, variants: new Set<number>() };
    const images = join(folder, 'images');
    return { plan, checks: await checkDataStates(log, lab.disk, lab.shape, none, images, () => 0.3) };
  } finally {
    log.close();
    rmSync(folder, { recursive: true });
  }
}

test('every state of the data file system is recovered and read, and half a file is seen', async () => {
  const image = join(lab.folder, 'image');
  copyFileSync(join(lab.folder, 'data'), image);
  const file = (name: string, text: string) => {
    writeFileSync(join(lab.folder, name), text);
    return join(lab.folder, name);
  };
  const id = file('machine-id', 'me\n');
  const entries: HandEntry[] = [
    await changeBy(image, ['mkdir identity', 'mkdir update', `write ${id} identity/machine-id`]),
    'flush',
    await changeBy(image, [`write ${file('whole', '{"format":1,"releases":[]}')} update/rejected.json`]),
    await changeBy(image, [`write ${file('half', '{"format":1,"slo')} update/pending.json`]),
    'flush',
    await changeBy(image, [
      'rm update/pending.json',
      `write ${file('lines', 'torn\n{"whole":1}')} update/history.jsonl`,
    ]),
  ];
  const { plan, checks } = await check(entries, 10);
  expect(plan.candidates).toBe(4);
  expect(checks.map(({ number, flush }) => [number, flush])).toEqual([
    [-1, -1],
    [0, -1],
    [2, 1],
    [3, 1],
    [5, 4],
  ]);
  expect(checks.every(({ facts }) => facts.fsck <= 1 && facts.repaired === 'no')).toBe(true);
  expect(Object.keys(checks[0]?.facts.identity ?? {})).toEqual([]);
  expect(Object.keys(checks[1]?.facts.identity ?? {})).toEqual(['machine-id']);
  const damaged = checks.map(({ facts }) => facts.damaged.map((text) => text.split(':')[0]));
  expect(damaged).toEqual([[], [], [], ['update/pending.json'], ['update/history.jsonl']]);
});

test('a file system that is overwritten counts as one that recovers only by guessing', async () => {
  const rubbish = new Uint8Array(8 * 1024 * 1024).fill(0x5a);
  const { checks } = await check([{ offset_bytes: lab.shape.data.start_bytes, bytes: rubbish }], 10);
  expect(checks.map(({ facts }) => facts.repaired)).toEqual(['no', 'guessed']);
  expect(checks[1]?.facts.words).toMatch(/garbage|bad magic/i);
});

test('of too many states those stay that say most: before a flush, before the boot state, the last', async () => {
  const write = (block: number): HandEntry => ({
    offset_bytes: lab.shape.data.end_bytes - 4096 * (block + 1),
    bytes: new Uint8Array(4096),
  });
  const state: HandEntry = { offset_bytes: lab.shape.state_at_bytes, bytes: new Uint8Array(512) };
  const commit = Buffer.concat([Buffer.from('c03b399800000002', 'hex'), new Uint8Array(4088)]);
  const entries: HandEntry[] = [
    ...[write(0), write(1), 'flush' as const, write(2), write(3), state, write(4)],
    ...[
      { offset_bytes: lab.shape.data.end_bytes - 8192, bytes: Uint8Array.from(commit) },
      write(5),
      write(6),
    ],
  ];
  const folder = mkdtempSync(join(lab.folder, 'plan-'));
  writeFileSync(join(folder, 'log'), serialiseLog(entries));
  const log = new WriteLog(join(folder, 'log'));
  expect([...planDataChecks(log, lab.shape, () => 0, 3).prefixes].sort()).toEqual([1, 4, 7, 9]);
  expect([...planDataChecks(log, lab.shape, () => 0, 100).prefixes]).toHaveLength(8);
  log.close();
});
