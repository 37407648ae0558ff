import { existsSync, linkSync, renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { fsyncFolder } from '../../../../base/atomic-file.ts';

/** Where the programs of one sensor lie: beside each other, so that a rename is enough. */
export interface ProgramPlace {
  installed: string;
  /** Fetched, verified, on trial. */
  next: string;
  /** What ran before; kept until the next update. */
  previous: string;
}

/** @param installed path of the program that the system starts; on Windows it ends in `.exe`, and so do the others */
export function placeOf(installed: string): ProgramPlace {
  const [, stem = installed, ending = ''] = /^(.*?)(\.exe)?$/i.exec(installed) ?? [];
  return { installed, next: `${stem}.next${ending}`, previous: `${stem}.previous${ending}` };
}

/**
 * Puts the next program in the place of the installed one, which becomes the previous. At every moment the installed path is a whole
 * program. Windows cannot replace a program that runs, but it can rename it: there the path is empty for the moment between two renames.
 */
export function promote(
  { installed, next, previous }: ProgramPlace,
  windows = process.platform === 'win32',
): void {
  rmSync(previous, { force: true });
  if (windows) {
    if (existsSync(installed)) renameSync(installed, previous);
    renameSync(next, installed);
    return;
  }
  linkSync(installed, previous);
  renameSync(next, installed);
  fsyncFolder(dirname(installed));
}
