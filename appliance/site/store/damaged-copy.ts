import { existsSync, renameSync, rmSync, statSync, truncateSync, utimesSync } from 'node:fs';
import { DAMAGED_COPY_AGE_MS, DAMAGED_COPY_MAX_BYTES } from './limits.ts';

/**
 * What is left of a database that was damaged: one copy, for a person to look at. It takes room that the new one does not have, so it is
 * cut to a size and emptied after a while. The empty file stays: it says that there was one.
 */
export interface DamagedCopy {
  exists(): boolean;
  size_bytes(): number;
  /** Puts a damaged file into its place. */
  setAside(): void;
  /** Empties it when its time is over. @returns whether that was so now */
  expire(): boolean;
}

export function damagedCopy(file: string, now_ms: () => number): DamagedCopy {
  const path = `${file}.damaged`;
  const facts = () => statSync(path, { throwIfNoEntry: false });
  return {
    exists: () => existsSync(path),
    size_bytes: () => facts()?.size ?? 0,
    setAside() {
      renameSync(file, path);
      // Its log belongs to it and would be played into the new file.
      for (const suffix of ['-wal', '-shm', '-journal']) rmSync(file + suffix, { force: true });
      if ((facts()?.size ?? 0) > DAMAGED_COPY_MAX_BYTES) truncateSync(path, DAMAGED_COPY_MAX_BYTES);
      utimesSync(path, now_ms() / 1000, now_ms() / 1000);
    },
    expire() {
      const { size = 0, mtimeMs = 0 } = facts() ?? {};
      if (size === 0 || now_ms() - mtimeMs < DAMAGED_COPY_AGE_MS) return false;
      truncateSync(path, 0);
      return true;
    },
  };
}
