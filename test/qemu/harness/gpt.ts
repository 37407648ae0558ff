import { crc32 } from 'node:zlib';
import { BulkheadError } from '../../../base/errors.ts';

/**
 * Reads a GUID partition table (UEFI specification 2.10, section 5.3). Independent of what writes the product's tables, so that
 * a mistake there is not repeated here.
 */

export const SECTOR_BYTES = 512;
/** Protective MBR, header and 128 entries: what has to be read from the start of a disk. */
export const GPT_HEAD_BYTES = 34 * SECTOR_BYTES;

const ENTRY_BYTES_MIN = 128;
const ENTRIES_MAX = 128;

export interface GptPartition {
  /** From 1, as Linux counts. */
  number: number;
  label: string;
  /** Lower case, as /dev/disk/by-partuuid names it. */
  partitionUuid: string;
  typeUuid: string;
  offset_bytes: number;
  size_bytes: number;
}

/**
 * The partitions in the order of the table.
 *
 * @param head the first GPT_HEAD_BYTES of the disk
 * @throws BulkheadError GPT_INVALID when signature or a checksum is wrong
 */
export function parseGpt(head: Uint8Array): GptPartition[] {
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  const header = head.subarray(SECTOR_BYTES, 2 * SECTOR_BYTES);
  if (new TextDecoder('latin1').decode(header.subarray(0, 8)) !== 'EFI PART') {
    throw new BulkheadError('GPT_INVALID', 'the disk has no GUID partition table');
  }
  const field = (offset: number) => view.getUint32(SECTOR_BYTES + offset, true);
  const headerSize_bytes = field(12);
  const unsummed = header.slice(0, Math.min(headerSize_bytes, SECTOR_BYTES));
  unsummed.fill(0, 16, 20);
  if (crc32(unsummed) !== field(16)) {
    throw new BulkheadError('GPT_INVALID', 'the checksum of the partition table header is wrong');
  }
  const first = Number(view.getBigUint64(SECTOR_BYTES + 72, true)) * SECTOR_BYTES;
  const count = field(80);
  const entry_bytes = field(84);
  if (count > ENTRIES_MAX || entry_bytes < ENTRY_BYTES_MIN || first + count * entry_bytes > head.length) {
    throw new BulkheadError(
      'GPT_INVALID',
      `a table of ${count} entries of ${entry_bytes} bytes is not supported`,
    );
  }
  const table = head.subarray(first, first + count * entry_bytes);
  if (crc32(table) !== field(88)) {
    throw new BulkheadError('GPT_INVALID', 'the checksum of the partition entries is wrong');
  }
  return Array.from({ length: count }, (_, index) =>
    parseEntry(table.subarray(index * entry_bytes, (index + 1) * entry_bytes), index + 1),
  ).filter((partition) => partition !== undefined);
}

/** @throws BulkheadError PARTITION_MISSING */
export function findPartition(partitions: readonly GptPartition[], label: string): GptPartition {
  const found = partitions.find((partition) => partition.label === label);
  if (found) return found;
  throw new BulkheadError('PARTITION_MISSING', `the disk has no partition '${label}'`, {
    hint: `it has: ${partitions.map((partition) => partition.label).join(', ') || 'none'}`,
  });
}

function parseEntry(entry: Uint8Array, number: number): GptPartition | undefined {
  const typeUuid = parseGuid(entry.subarray(0, 16));
  if (/^[0-]+$/.test(typeUuid)) return undefined;
  const view = new DataView(entry.buffer, entry.byteOffset, entry.byteLength);
  const start = Number(view.getBigUint64(32, true));
  const end = Number(view.getBigUint64(40, true));
  const label = new TextDecoder('utf-16le').decode(entry.subarray(56, 128)).replace(/\0.*$/s, '');
  return {
    ...{ number, label, typeUuid, partitionUuid: parseGuid(entry.subarray(16, 32)) },
    ...{ offset_bytes: start * SECTOR_BYTES, size_bytes: (end - start + 1) * SECTOR_BYTES },
  };
}

/** The first three groups of a GUID are little-endian, the rest is in order. */
function parseGuid(bytes: Uint8Array): string {
  const hex = (...positions: number[]) =>
    positions.map((position) => (bytes[position] ?? 0).toString(16).padStart(2, '0')).join('');
  return [hex(3, 2, 1, 0), hex(5, 4), hex(7, 6), hex(8, 9), hex(10, 11, 12, 13, 14, 15)].join('-');
}
