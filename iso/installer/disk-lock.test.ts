import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { run } from '../../base/run.ts';
import { lockDisk } from './disk-lock.ts';
import { install } from './install.ts';
import {
  attachDisk,
  EIGHT_GB,
  type Lab,
  type LoopDisk,
  labEffects,
  labRequest,
  makeLab,
} from './loop-lab.ts';

const TIMEOUT_MS = 60_000;

let lab: Lab;
let disk: LoopDisk;
beforeAll(async () => {
  lab = await makeLab();
  disk = await attachDisk(join(lab.folder, 'disk'), EIGHT_GB, 512);
});
afterAll(async () => {
  await disk.detach();
  lab.remove();
});

/** As udev asks before it reads a partition table anew. */
const isFree = async () => (await run('flock', ['--nonblock', '--exclusive', disk.path, 'true'])).code === 0;

test.skipIf(process.getuid?.() !== 0)(
  'from the wipe to the end of an installation udev is kept away from the partitions, and not longer',
  async () => {
    const effects = labEffects(lab);
    const free = new Set<string>();
    const tools = new Set<string>();
    let works = false;
    const watched = {
      ...effects,
      emit: (event: Parameters<typeof effects.emit>[0]) => {
        if (event.event === 'chosen') works = true;
        if (event.event === 'finished') works = false;
        effects.emit(event);
      },
      run: async (...[program, ...rest]: Parameters<typeof effects.run>) => {
        if (works) {
          tools.add(program);
          if (await isFree()) free.add(program);
        }
        return effects.run(program, ...rest);
      },
    };
    await install(labRequest(lab, disk.path), watched, { dryRun: false, next: '' });
    expect([...tools]).toEqual(expect.arrayContaining(['sfdisk', 'mkfs.vfat', 'mcopy']));
    expect([...free]).toEqual([]);
    expect(await isFree()).toBe(true);
  },
  TIMEOUT_MS,
);

test.skipIf(process.getuid?.() !== 0)('the lock ends with whoever holds it', async () => {
  const unlock = lockDisk(disk.path);
  expect(await isFree()).toBe(false);
  unlock();
  expect(await isFree()).toBe(true);
});
