import { closeSync, openSync, readdirSync, readFileSync, readSync, realpathSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { BulkheadError } from '../../base/errors.ts';

/** sysfs counts in sectors of 512 bytes whatever the disk's own are (Documentation/ABI/stable/sysfs-block). */
const SYSFS_SECTOR_BYTES = 512;

interface PartitionFacts {
  number: number;
  start_bytes: number;
  size_bytes: number;
}

/** What decides about growing: read from sysfs and two headers, without starting a program. */
export interface DiskFacts {
  /** Whole disk, e.g. /dev/nvme0n1. */
  disk: string;
  /** The data partition, e.g. /dev/nvme0n1p4. */
  device: string;
  disk_bytes: number;
  sector_bytes: number;
  /** Where the backup header of the GPT lies; null when the disk has no readable primary GPT. */
  backupHeader_bytes: number | null;
  partition: PartitionFacts;
  /** All partitions the kernel knows on this disk. */
  partitions: PartitionFacts[];
  /** Size of the ext4 by its superblock; null when it is not one. */
  fileSystem_bytes: number | null;
}

/**
 * @param device the data partition as /dev/NAME
 * @throws BulkheadError GROW_NO_PARTITION when the kernel does not know it as a partition of a disk
 */
export function readDiskFacts(device: string): DiskFacts {
  const node = join('/sys/class/block', basename(device));
  let folder: string;
  let partition: PartitionFacts;
  try {
    folder = realpathSync(node);
    partition = readPartition(folder);
  } catch (cause) {
    throw new BulkheadError('GROW_NO_PARTITION', `${device} is not a partition of a disk`, { cause });
  }
  const diskFolder = dirname(folder);
  const disk = `/dev/${basename(diskFolder)}`;
  const sector_bytes = Number(readFileSync(join(diskFolder, 'queue/logical_block_size'), 'utf8'));
  const partitions = readdirSync(diskFolder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && entry.name.startsWith(basename(diskFolder)))
    .map((entry) => readPartition(join(diskFolder, entry.name)));
  return {
    disk,
    device,
    disk_bytes: Number(readFileSync(join(diskFolder, 'size'), 'utf8')) * SYSFS_SECTOR_BYTES,
    sector_bytes,
    backupHeader_bytes: parseGptBackup(readAt(disk, sector_bytes, sector_bytes), sector_bytes),
    partition,
    partitions,
    fileSystem_bytes: parseExt4Size(readAt(device, 1024, 1024)),
  };
}

function readPartition(folder: string): PartitionFacts {
  const number = (name: string) => Number(readFileSync(join(folder, name), 'utf8'));
  return {
    number: number('partition'),
    start_bytes: number('start') * SYSFS_SECTOR_BYTES,
    size_bytes: number('size') * SYSFS_SECTOR_BYTES,
  };
}

/** Offset of the alternate header from a GPT header (UEFI 2.10, table 5.5: signature at 0, AlternateLBA at 32). */
function parseGptBackup(header: Uint8Array, sector_bytes: number): number | null {
  const view = Buffer.from(header.buffer, header.byteOffset, header.length);
  if (view.length < 92 || view.toString('latin1', 0, 8) !== 'EFI PART') return null;
  return Number(view.readBigUInt64LE(32)) * sector_bytes;
}

/** Size from an ext4 superblock (kernel documentation, filesystems/ext4/super: magic at 0x38, 64-bit feature 0x80 at 0x60). */
function parseExt4Size(superblock: Uint8Array): number | null {
  const view = Buffer.from(superblock.buffer, superblock.byteOffset, superblock.length);
  if (view.length < 1024 || view.readUInt16LE(0x38) !== 0xef53) return null;
  const is64Bit = (view.readUInt32LE(0x60) & 0x80) !== 0;
  const blocks = view.readUInt32LE(0x4) + (is64Bit ? view.readUInt32LE(0x150) * 2 ** 32 : 0);
  return blocks * 2 ** (10 + view.readUInt32LE(0x18));
}

function readAt(path: string, offset_bytes: number, size_bytes: number): Uint8Array {
  const file = openSync(path, 'r');
  try {
    const bytes = new Uint8Array(size_bytes);
    const got = readSync(file, bytes, 0, size_bytes, offset_bytes);
    return bytes.subarray(0, got);
  } finally {
    closeSync(file);
  }
}
