import { readdir, readFile, stat } from 'node:fs/promises';
import { SLOTS, type Slot } from '../partitions/slot.ts';
import { deviceNumber, findMount } from './mount-table.ts';

/**
 * The slot whose partition the root file system really comes from, through dm-verity or without it; null when it is
 * neither (a live boot, a workstation) or the kernel does not say.
 */
export async function findMountedSlot(
  folders: { procFolder: string; sysFolder: string },
  slots: Readonly<Record<Slot, string | null>>,
): Promise<Slot | null> {
  try {
    const root = await findMount(folders.procFolder, '/');
    if (root === undefined) return null;
    const devices = [root.device, ...(await underlyingDevices(folders.sysFolder, root.device))];
    for (const slot of SLOTS) {
      const path = slots[slot];
      if (path === null) continue;
      if (devices.includes(deviceNumber((await stat(path, { bigint: true })).rdev))) return slot;
    }
    return null;
  } catch {
    // One of three sources for the slot; without it the others stand.
    return null;
  }
}

/** Devices that a device-mapper device is stacked on (`slaves` in Documentation/ABI/testing/sysfs-block). */
async function underlyingDevices(sysFolder: string, device: string): Promise<string[]> {
  const folder = `${sysFolder}/dev/block/${device}/slaves`;
  const names = await readdir(folder).catch(() => []);
  return Promise.all(names.map(async (name) => (await readFile(`${folder}/${name}/dev`, 'utf8')).trim()));
}
