import { readdirSync, readFileSync, realpathSync } from 'node:fs';
import { basename, join } from 'node:path';
import { diskUses } from './disks-in-use.ts';

/** How a disk is attached. `virtual`: the kernel made it up (loop, dm). */
export type Transport = 'nvme' | 'sata' | 'mmc' | 'virtio' | 'scsi' | 'usb' | 'virtual' | 'unknown';

/** What a block device is. Only a `disk` can be installed on without being named. */
export type DiskKind =
  | 'disk'
  | 'optical'
  | 'floppy'
  | 'loop'
  | 'ram'
  | 'zram'
  | 'mapped'
  | 'raid'
  | 'network'
  | 'mmc-boot';

/** One whole block device, read from sysfs alone: nothing on the disk is looked at. */
export interface Disk {
  /** Kernel name, e.g. `nvme0n1`. */
  name: string;
  kind: DiskKind;
  transport: Transport;
  size_bytes: number;
  /** Logical sector size. */
  sector_bytes: number;
  /** What the kernel says. Never a reason for anything: some internal disks claim to be removable. */
  removable: boolean;
  readOnly: boolean;
  model: string | null;
  serial: string | null;
  /** Kernel names of its partitions. */
  partitions: string[];
  /** Devices built on it or on one of its partitions: LVM, RAID, dm-crypt. */
  holders: string[];
  /** Where it is mounted, directly or through devices built on it; `swap` for swap space. */
  mounts: string[];
}

/** Where the kernel's view of the machine is found; another place in tests. */
export interface KernelRoots {
  sys: string;
  proc: string;
}
export const KERNEL_ROOTS: KernelRoots = { sys: '/sys', proc: '/proc' };

/** sysfs counts in these units whatever the sector size (Documentation/ABI/stable/sysfs-block). */
const SYSFS_SECTOR_BYTES = 512;

/** All whole block devices, ordered by name. Devices that vanish while being read are left out. */
export function listDisks(roots: KernelRoots = KERNEL_ROOTS): Disk[] {
  const names = listFolder(join(roots.sys, 'block'));
  const uses = diskUses(names, roots);
  return names.flatMap((name) => {
    const folder = join(roots.sys, 'block', name);
    const size = readNumber(join(folder, 'size'));
    // A hidden device is one path to an NVMe disk that appears under its own name beside it.
    if (size === undefined || readNumber(join(folder, 'hidden')) === 1) return [];
    const devicePath = realPath(folder);
    const partitions = partitionNames(folder, name);
    return [
      {
        name,
        kind: kindOf(name, folder),
        transport: transportOf(devicePath),
        size_bytes: size * SYSFS_SECTOR_BYTES,
        sector_bytes: readNumber(join(folder, 'queue/logical_block_size')) ?? SYSFS_SECTOR_BYTES,
        removable: readNumber(join(folder, 'removable')) === 1,
        readOnly: readNumber(join(folder, 'ro')) === 1,
        // SCSI and NVMe have a model; eMMC and SD cards have a name instead, and virtio has neither.
        model: readText(join(folder, 'device/model')) ?? readText(join(folder, 'device/name')) ?? null,
        serial: serialOf(folder),
        partitions,
        holders: [
          ...new Set(
            [folder, ...partitions.map((partition) => join(folder, partition))].flatMap((path) =>
              listFolder(join(path, 'holders')),
            ),
          ),
        ],
        mounts: uses.get(name) ?? [],
      },
    ];
  });
}

/** Names of the partitions the kernel sees on a disk. */
export function partitionNames(folder: string, diskName: string): string[] {
  return listFolder(folder).filter(
    (entry) => entry.startsWith(diskName) && readNumber(join(folder, entry, 'partition')) !== undefined,
  );
}

function kindOf(name: string, folder: string): DiskKind {
  if (/^mmcblk\d+(boot\d+|rpmb|gp\d+)$/.test(name)) return 'mmc-boot';
  const byName: [RegExp, DiskKind][] = [
    [/^sr\d/, 'optical'],
    [/^fd\d/, 'floppy'],
    [/^loop\d/, 'loop'],
    [/^ram\d/, 'ram'],
    [/^zram\d/, 'zram'],
    [/^dm-\d/, 'mapped'],
    [/^md/, 'raid'],
    [/^(nbd|rbd|drbd)\d/, 'network'],
  ];
  const known = byName.find(([pattern]) => pattern.test(name))?.[1];
  if (known) return known;
  // SCSI peripheral device type 5 is a CD/DVD drive (SPC-5, table "Peripheral device type").
  return readNumber(join(folder, 'device/type')) === 5 ? 'optical' : 'disk';
}

/** From the device path: the last bus on the way to the disk that says something wins, a USB hop anywhere says USB. */
function transportOf(devicePath: string): Transport {
  if (/\/usb\d+\//.test(devicePath)) return 'usb';
  if (/\/mmc_host\//.test(devicePath)) return 'mmc';
  if (/\/nvme(-fabrics|-subsystem)?\//.test(devicePath)) return 'nvme';
  if (/\/ata\d+\//.test(devicePath)) return 'sata';
  if (/\/virtio\d+\//.test(devicePath)) return 'virtio';
  if (/\/host\d+\//.test(devicePath)) return 'scsi';
  return /\/devices\/virtual\//.test(devicePath) ? 'virtual' : 'unknown';
}

function serialOf(folder: string): string | null {
  const plain = readText(join(folder, 'device/serial')) ?? readText(join(folder, 'serial'));
  if (plain) return plain;
  try {
    // SCSI vital product data page 0x80: four bytes of header, then the serial number in ASCII (SPC-5, 7.7.17).
    const page = readFileSync(join(folder, 'device/vpd_pg80'));
    return (
      page
        .subarray(4)
        .toString('latin1')
        .replace(/[^\x20-\x7e]/g, '')
        .trim() || null
    );
  } catch {
    // No such page: the disk has no serial number that anyone could name.
    return null;
  }
}

export function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim() || undefined;
  } catch {
    // sysfs has a file for what a device knows; no file means it does not know.
    return undefined;
  }
}

function readNumber(path: string): number | undefined {
  const text = readText(path);
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
}

function listFolder(path: string): string[] {
  try {
    return readdirSync(path)
      .map((entry) => basename(entry))
      .sort((one, other) => one.localeCompare(other, 'en', { numeric: true }));
  } catch {
    return [];
  }
}

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
