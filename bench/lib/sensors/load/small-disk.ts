import { mkdirSync, rmSync, statfsSync } from 'node:fs';
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

/** In memory: what is full is full alike, and no two tests fight for a loop device. Needs root. */
export async function makeSmallDisk(place: string): Promise<SmallDisk> {
  const folder = join(place, 'disk');
  mkdirSync(folder, { recursive: true });
  await runOrThrow(run, 'mount', ['-t', 'tmpfs', '-o', `size=${STORE_DISK_BYTES}`, 'tmpfs', folder]);
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
    end: async () => void (await runOrThrow(run, 'umount', [folder])),
  };
}
