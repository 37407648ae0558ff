import { closeSync, ftruncateSync, mkdirSync, openSync, rmSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { run, runOrThrow } from '../../../../base/run.ts';
import { STORE_DISK_BYTES } from './limits.ts';

/** A file system as small as the one that the appliance keeps the store on; it can be filled to the last block. */
export interface SmallDisk {
  folder: string;
  /** Takes what is free, with what became free since the last time. */
  fill(): void;
  empty(): void;
  end(): Promise<void>;
}

/** Needs root and loop devices. */
export async function makeSmallDisk(place: string): Promise<SmallDisk> {
  const folder = join(place, 'disk');
  const image = join(place, 'disk.img');
  mkdirSync(folder, { recursive: true });
  const file = openSync(image, 'w', 0o600);
  ftruncateSync(file, STORE_DISK_BYTES);
  closeSync(file);
  await runOrThrow(run, 'mkfs.ext4', ['-q', '-m', '0', '-b', '4096', '-i', '16384', image]);
  await runOrThrow(run, 'mount', ['-o', 'loop', image, folder]);
  let fillers = 0;
  return {
    folder,
    fill() {
      const { bavail, bsize } = statfsSync(folder);
      if (bavail === 0) return;
      fillers += 1;
      // What was taken by somebody else meanwhile cannot be had, and then it ends with what it got: full is full.
      Bun.spawnSync(['fallocate', '-l', String(bavail * bsize), join(folder, `filler-${fillers}`)]);
    },
    empty() {
      for (; fillers > 0; fillers -= 1) rmSync(join(folder, `filler-${fillers}`), { force: true });
    },
    async end() {
      await runOrThrow(run, 'umount', [folder]);
      rmSync(image);
    },
  };
}
