import { BulkheadError } from '../base/errors.ts';
import { formatBytes } from '../base/text.ts';
import disk from './layout.json' with { type: 'json' };
import {
  DATA_MIN_BYTES,
  ESP_BYTES,
  ESP_LARGE_SECTOR_BYTES,
  PARTITION_ALIGN_BYTES,
  SECTOR_SIZES_BYTES,
  SLOT_GROWTH_FACTOR,
  SLOT_MIN_BYTES,
  SLOT_SHARE_EIGHTHS,
  SLOT_TARGET_BYTES,
  TABLE_RESERVE_BYTES,
} from './layout-limits.ts';

/** The four partitions in the order in which they stand on the disk. */
export const PARTITION_ROLES = ['esp', 'A', 'B', 'data'] as const;
export type PartitionRole = (typeof PARTITION_ROLES)[number];

export interface PlannedPartition {
  role: PartitionRole;
  /** 1 to 4. */
  number: number;
  /** GPT partition name, the way it is found. */
  label: string;
  /** Partition type, upper case, from the UEFI specification and the Discoverable Partitions Specification. */
  typeGuid: string;
  /** GPT attribute bits 48 to 63 that are set. */
  attributeBits: readonly number[];
  start_bytes: number;
  size_bytes: number;
}

export interface DiskLayout {
  disk_bytes: number;
  sector_bytes: number;
  partitions: Readonly<Record<PartitionRole, PlannedPartition>>;
}

/**
 * Slots carry the type of an x86-64 root, with the bits read-only (60) and no-auto (63): our own initrd opens them, and
 * systemd's generator must not mount one beside it. The data partition is plain Linux data for the same reason.
 */
const TYPES: Readonly<Record<PartitionRole, Pick<PlannedPartition, 'label' | 'typeGuid' | 'attributeBits'>>> =
  { esp: typeOf(disk.esp), A: typeOf(disk.A), B: typeOf(disk.B), data: typeOf(disk.data) };

function typeOf(entry: { label: string; type_guid: string; attribute_bits: number[] }) {
  return { label: entry.label, typeGuid: entry.type_guid, attributeBits: entry.attribute_bits };
}

/**
 * Sizes the four partitions from the disk.
 *
 * ```
 * rest = disk − ESP − 2 MiB for the tables, rounded down to 8 MiB
 * need = max(1 GiB, 2 × image), rounded up to 1 MiB   a slot is never smaller
 * slot = max(need, min(10 GiB, 3/8 of rest, half of what 1 GiB of data leaves))
 * data = rest − 2 × slot                             never under 1 GiB, or the disk is refused
 * ```
 *
 * A larger disk never gives a smaller partition.
 *
 * @param disk_bytes     whole disk
 * @param sector_bytes   logical sector size, 512 or 4096
 * @param slotBlob_bytes size of the slot image to install
 * @throws BulkheadError LAYOUT_SECTOR_SIZE, LAYOUT_DISK_TOO_SMALL
 */
export function planLayout(disk_bytes: number, sector_bytes: number, slotBlob_bytes: number): DiskLayout {
  if (!SECTOR_SIZES_BYTES.includes(sector_bytes)) {
    throw new BulkheadError(
      'LAYOUT_SECTOR_SIZE',
      `the disk has sectors of ${sector_bytes} bytes; ${SECTOR_SIZES_BYTES.join(' and ')} are known`,
    );
  }
  const esp_bytes = sector_bytes === 512 ? ESP_BYTES : ESP_LARGE_SECTOR_BYTES;
  const rest_bytes = roundDown(disk_bytes - 2 * TABLE_RESERVE_BYTES - esp_bytes, 8 * PARTITION_ALIGN_BYTES);
  const need_bytes = roundUp(
    Math.max(SLOT_MIN_BYTES, SLOT_GROWTH_FACTOR * slotBlob_bytes),
    PARTITION_ALIGN_BYTES,
  );
  const share_bytes = (rest_bytes / 8) * SLOT_SHARE_EIGHTHS;
  const spare_bytes = (rest_bytes - DATA_MIN_BYTES) / 2;
  const slot_bytes = Math.max(need_bytes, Math.min(SLOT_TARGET_BYTES, share_bytes, spare_bytes));
  const data_bytes = rest_bytes - 2 * slot_bytes;
  if (data_bytes < DATA_MIN_BYTES) {
    const smallest_bytes =
      2 * TABLE_RESERVE_BYTES +
      esp_bytes +
      roundUp(2 * need_bytes + DATA_MIN_BYTES, 8 * PARTITION_ALIGN_BYTES);
    throw new BulkheadError(
      'LAYOUT_DISK_TOO_SMALL',
      `the disk has ${formatBytes(disk_bytes)}; this image (${formatBytes(slotBlob_bytes)}) needs ` +
        `${formatBytes(smallest_bytes)}: two slots of ${formatBytes(need_bytes)}, ${formatBytes(DATA_MIN_BYTES)} of data, ` +
        `${formatBytes(esp_bytes)} for the boot loader`,
      { hint: 'use a larger disk' },
    );
  }
  const sizes_bytes: Record<PartitionRole, number> = {
    esp: esp_bytes,
    A: slot_bytes,
    B: slot_bytes,
    data: data_bytes,
  };
  return { disk_bytes, sector_bytes, partitions: placeInOrder(sizes_bytes) };
}

function placeInOrder(sizes_bytes: Record<PartitionRole, number>): Record<PartitionRole, PlannedPartition> {
  let start_bytes = TABLE_RESERVE_BYTES;
  const place = (role: PartitionRole, number: number): PlannedPartition => {
    const partition = { role, number, ...TYPES[role], start_bytes, size_bytes: sizes_bytes[role] };
    start_bytes += partition.size_bytes;
    return partition;
  };
  return { esp: place('esp', 1), A: place('A', 2), B: place('B', 3), data: place('data', 4) };
}

/** Device node of a partition: the kernel puts a `p` between a name that ends in a digit and the number. */
export function partitionPath(diskPath: string, number: number): string {
  return /\d$/.test(diskPath) ? `${diskPath}p${number}` : `${diskPath}${number}`;
}

function roundDown(value: number, unit: number): number {
  return Math.floor(value / unit) * unit;
}

function roundUp(value: number, unit: number): number {
  return Math.ceil(value / unit) * unit;
}
