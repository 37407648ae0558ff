import { BulkheadError } from '../../base/errors.ts';
import type { Disk } from '../../partitions/disks.ts';
import { readRange } from './block-device.ts';
import { type InstallEffects, tool } from './effects.ts';
import { listFatFolder, settle } from './esp.ts';
import { findFatVolumes } from './fat-volumes.ts';

/**
 * A file that asks for a reinstallation where nobody has a keyboard. The medium's loader looks for the same names
 * (iso/grub/live.cfg); Windows adds the ending.
 */
const MARK_NAMES = ['REINSTALL', 'REINSTALL.TXT'];

/** Where the file was found. */
export interface ReinstallMark {
  /** Device node of the medium. */
  medium: string;
  /** The FAT file system on it, as mtools names one. */
  volume: string;
  /** Names as they are in its top folder. */
  names: readonly string[];
}

/** Looks for the file on the medium. A medium that cannot be listed has none; findStickConfig says what is wrong with it. */
export async function findReinstallMark(
  medium: Disk,
  effects: InstallEffects,
): Promise<ReinstallMark | null> {
  const path = `/dev/${medium.name}`;
  const read = (offset_bytes: number, size_bytes: number) =>
    readRange(effects.open, path, 'read-cached', offset_bytes, size_bytes);
  for (const { offset_bytes } of await findFatVolumes(read, medium.sector_bytes)) {
    const volume = `${path}@@${offset_bytes}`;
    const names = marksAmong(await listFatFolder(effects, volume, '/').catch(() => []));
    if (names.length > 0) return { medium: path, volume, names };
  }
  return null;
}

/**
 * Takes the file away and asks the device whether it is gone. Before the first zero is written: a stick that stays in the
 * machine would otherwise install at every start, for ever.
 *
 * @throws BulkheadError INSTALL_MARK_STAYS
 */
export async function useUpReinstallMark(mark: ReinstallMark, effects: InstallEffects): Promise<void> {
  const stays = (cause?: unknown) =>
    new BulkheadError(
      'INSTALL_MARK_STAYS',
      `${mark.names.join(' and ')} cannot be taken off ${mark.medium}`,
      {
        cause,
        hint:
          'nothing was changed; it would install again at each start. Take away the write protection of the stick, ' +
          'use another stick, or remove the file and choose Install in the menu (Esc)',
      },
    );
  try {
    for (const name of mark.names) await tool(effects, 'mdel', ['-i', mark.volume, `::/${name}`]);
    await settle(effects, mark.medium);
    if (marksAmong(await listFatFolder(effects, mark.volume, '/')).length === 0) return;
  } catch (cause) {
    throw stays(cause);
  }
  throw stays();
}

const marksAmong = (names: readonly string[]) =>
  names.filter((name) => MARK_NAMES.includes(name.toUpperCase()));
