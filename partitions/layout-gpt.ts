import { BulkheadError } from '../base/errors.ts';
import { type DiskLayout, PARTITION_ROLES } from './layout.ts';
import type { LayoutIds } from './layout-sfdisk.ts';

/**
 * Reads a GUID partition table itself (UEFI specification 2.10, section 5.3), so that what is on the disk is checked by
 * something other than the program that wrote it, and so that a disk can be looked at without the kernel's partition nodes.
 */

export interface GptEntry {
  number: number;
  /** Upper case. */
  typeGuid: string;
  /** Lower case. */
  uuid: string;
  label: string;
  start_bytes: number;
  size_bytes: number;
  /** Attribute bits that are set, 0 to 63. */
  attributeBits: number[];
}

export interface GptTable {
  /** Lower case. */
  diskUuid: string;
  entries: GptEntry[];
}

/** Reads from a disk; handed in, direct or buffered. Offsets and sizes are multiples of the sector size. */
export type ReadDisk = (offset_bytes: number, size_bytes: number) => Promise<Uint8Array>;

const SIGNATURE = 'EFI PART';
/** Most tools write 128 entries of 128 bytes, xorriso 248 on a hybrid image; far more than that is a damaged header. */
const ENTRIES_MAX_BYTES = 1024 * 128;

/**
 * @param headerSector 1 for the primary table, the last sector of the disk for the backup
 * @returns undefined when no table with a valid checksum is there
 */
export async function readGpt(
  read: ReadDisk,
  sector_bytes: number,
  headerSector: number,
): Promise<GptTable | undefined> {
  const sector = await read(headerSector * sector_bytes, sector_bytes);
  const header = parseHeader(sector);
  if (!header || header.entriesSize_bytes > ENTRIES_MAX_BYTES) return undefined;
  const span_bytes = Math.ceil(header.entriesSize_bytes / sector_bytes) * sector_bytes;
  const bytes = await read(header.entriesSector * sector_bytes, span_bytes);
  const entries = bytes.subarray(0, header.entriesSize_bytes);
  if (Bun.hash.crc32(entries) !== header.entriesChecksum) return undefined;
  return { diskUuid: header.diskUuid, entries: parseEntries(entries, header.entry_bytes, sector_bytes) };
}

function parseHeader(sector: Uint8Array) {
  if (new TextDecoder('latin1').decode(sector.subarray(0, 8)) !== SIGNATURE) return undefined;
  const view = new DataView(sector.buffer, sector.byteOffset, sector.byteLength);
  const header_bytes = view.getUint32(12, true);
  if (header_bytes < 92 || header_bytes > sector.length) return undefined;
  const unsigned = sector.slice(0, header_bytes);
  unsigned.fill(0, 16, 20);
  if (Bun.hash.crc32(unsigned) !== view.getUint32(16, true)) return undefined;
  const entry_bytes = view.getUint32(84, true);
  return {
    diskUuid: guidAt(sector, 56),
    entriesSector: Number(view.getBigUint64(72, true)),
    entry_bytes,
    entriesSize_bytes: view.getUint32(80, true) * entry_bytes,
    entriesChecksum: view.getUint32(88, true),
  };
}

function parseEntries(bytes: Uint8Array, entry_bytes: number, sector_bytes: number): GptEntry[] {
  const entries: GptEntry[] = [];
  for (let at = 0; at + entry_bytes <= bytes.length; at += entry_bytes) {
    const entry = bytes.subarray(at, at + entry_bytes);
    if (entry.subarray(0, 16).every((byte) => byte === 0)) continue;
    const view = new DataView(entry.buffer, entry.byteOffset, entry.byteLength);
    const first = Number(view.getBigUint64(32, true));
    const last = Number(view.getBigUint64(40, true));
    const attributes = view.getBigUint64(48, true);
    entries.push({
      number: at / entry_bytes + 1,
      typeGuid: guidAt(entry, 0).toUpperCase(),
      uuid: guidAt(entry, 16),
      label: new TextDecoder('utf-16le').decode(entry.subarray(56, 128)).replace(/\0.*$/s, ''),
      start_bytes: first * sector_bytes,
      size_bytes: (last - first + 1) * sector_bytes,
      attributeBits: Array.from({ length: 64 }, (_, bit) => bit).filter(
        (bit) => ((attributes >> BigInt(bit)) & 1n) === 1n,
      ),
    });
  }
  return entries;
}

/** A GUID as it stands on disk: the first three groups little-endian, the rest as written. */
function guidAt(bytes: Uint8Array, offset: number): string {
  const hex = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15]
    .map((index) => (bytes[offset + index] ?? 0).toString(16).padStart(2, '0'))
    .join('');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/**
 * Holds a table against the plan it came from.
 *
 * @throws BulkheadError LAYOUT_MISMATCH naming the first difference
 */
export function assertTableIsPlan(
  table: GptTable | undefined,
  layout: DiskLayout,
  ids: LayoutIds,
  which: 'primary' | 'backup',
): void {
  const differ = (what: string) =>
    new BulkheadError('LAYOUT_MISMATCH', `the ${which} partition table on the disk ${what}`);
  if (!table) throw differ('is missing or damaged');
  if (table.diskUuid !== ids.disk) throw differ(`has identifier ${table.diskUuid}, ${ids.disk} was written`);
  if (table.entries.length !== PARTITION_ROLES.length) throw differ(`has ${table.entries.length} partitions`);
  for (const role of PARTITION_ROLES) {
    const { number, label, typeGuid, start_bytes, size_bytes, attributeBits } = layout.partitions[role];
    const wanted = JSON.stringify({
      number,
      typeGuid,
      uuid: ids[role],
      label,
      start_bytes,
      size_bytes,
      attributeBits,
    });
    const found = JSON.stringify(table.entries.find((entry) => entry.number === number));
    if (found !== wanted) throw differ(`has ${found} where ${wanted} was written`);
  }
}
