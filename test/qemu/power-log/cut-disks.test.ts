import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { initialState } from '../../../partitions/boot-state.ts';
import { copyDisk } from '../harness/disk.ts';
import type { Cut } from './chosen-cuts.ts';
import { CutDisks } from './cut-disks.ts';
import { type HandEntry, type Lab, makeLab, serialiseLog } from './lab.ts';
import { judgePowerCuts } from './power-judge.ts';
import { WriteLog } from './write-log.ts';

const SECTORS = 4;
let lab: Lab;
beforeAll(async () => {
  lab = await makeLab(initialState('A'));
});
afterAll(() => lab.remove());

/** Each write fills sectors of its own with its own number. */
function write(number: number): HandEntry {
  const offset_bytes = lab.shape.data.start_bytes + number * SECTORS * 512;
  return { offset_bytes, bytes: new Uint8Array(SECTORS * 512).fill(number) };
}

test('a disk after a cut has what was flushed, and of the rest what the cut leaves', async () => {
  const path = join(lab.folder, 'cuts.log');
  writeFileSync(path, serialiseLog([write(0), write(1), 'flush', write(2), write(3), 'flush', write(4)]));
  const log = new WriteLog(path);
  const { prefixes } = judgePowerCuts(log, lab.disk, lab.shape, lab.releases, () => 0);
  const base = { path: lab.disk, format: 'raw' } as const;
  const disks = await CutDisks.of(log, base, lab.shape, prefixes, join(lab.folder, 'work'));
  const start = lab.shape.data.start_bytes;
  const before = readFileSync(lab.disk).subarray(start, start + 6 * SECTORS * 512);
  /** What each of the five places holds, sector by sector: its number, or `.` for what was there. */
  const held = async (number: number, disk: Cut['disk']) => {
    const overlay = await disks.make(
      { name: 'cut', number, disk },
      join(lab.folder, `${number}-${disk}.qcow2`),
    );
    const flat = await copyDisk(overlay, { path: join(lab.folder, `${number}-${disk}`), format: 'raw' });
    const after = readFileSync(flat.path).subarray(start, start + before.length);
    const sectorOf = (at: number) => after.subarray(at * 512, at * 512 + 512);
    return [0, 1, 2, 3, 4].map((place) =>
      [0, 1, 2, 3]
        .map((at) => (sectorOf(place * SECTORS + at).every((byte) => byte === place) ? place : '.'))
        .join(''),
    );
  };
  // Place 0 is zeros before and after.
  expect(await held(1, 'torn')).toEqual(['0000', '11..', '....', '....', '....']);
  expect(await held(3, 'kept')).toEqual(['0000', '1111', '2222', '....', '....']);
  expect(await held(4, 'last-alone')).toEqual(['0000', '1111', '....', '3333', '....']);
  expect(await held(4, 'lost')).toEqual(['0000', '1111', '....', '....', '....']);
  expect(await held(6, 'kept')).toEqual(['0000', '1111', '2222', '3333', '4444']);
  await expect(held(1, 'kept')).rejects.toThrow('cuts go forward');
  log.close();
});
