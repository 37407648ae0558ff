import { BulkheadError } from '../base/errors.ts';
import { FAT_CLUSTER_MAX_BYTES, FAT_DIRECTORY_CLUSTERS_MAX } from './limits.ts';

/**
 * Finds where the first byte of a file in the root directory of a FAT volume lies, without the kernel's help.
 * Needed because the boot state is overwritten on the device below the mounted file system: the one way to change it
 * that was found to be safe at every cut. Format: Microsoft "FAT: General Overview of On-Disk Format" 1.03
 * (the text of UEFI's appendix), sections on the BPB, the directory entry and long names.
 */

/** Bytes of the volume; may be asked for any range inside it. */
export type ReadAt = (offset_bytes: number, size_bytes: number) => Uint8Array;

export interface LocatedFile {
  /** Of the first byte, from the start of the volume; undefined for an empty file, which has no place. */
  offset_bytes: number | undefined;
  size_bytes: number;
}

interface Volume {
  cluster_bytes: number;
  /** Start of the first FAT. */
  fat_bytes: number;
  /** Where cluster 2 starts. */
  data_bytes: number;
  clusters: number;
  /** Root directory: a chain of clusters (FAT32) or a fixed area (FAT12 and FAT16). */
  root: { cluster: number } | { offset_bytes: number; size_bytes: number };
}

const BOOT_SECTOR_BYTES = 512;
const ENTRY_BYTES = 32;
const ATTRIBUTE_LONG_NAME = 0x0f;
/** Volume label or folder: not a file. */
const ATTRIBUTES_NOT_A_FILE = 0x18;
const FAT32_ENTRY_MASK = 0x0fff_ffff;
const FAT32_END = 0x0fff_fff7;

/**
 * @param name as on the ESP, e.g. `ab_state`; compared without regard to case, with long and short names
 * @returns undefined when the root directory has no such file
 * @throws BulkheadError FAT_DAMAGED when the bytes are no FAT volume or contradict themselves
 */
export function locateFile(readAt: ReadAt, name: string): LocatedFile | undefined {
  const volume = parseVolume(readAt(0, BOOT_SECTOR_BYTES));
  const wanted = name.toUpperCase();
  let longName: LongName | undefined;
  for (const entry of directoryEntries(readAt, volume)) {
    const first = entry[0];
    if (first === 0x00) return undefined;
    if (first === 0xe5) {
      longName = undefined;
      continue;
    }
    if (((entry[11] ?? 0) & 0x3f) === ATTRIBUTE_LONG_NAME) {
      longName = collectLongName(longName, entry);
      continue;
    }
    const matches =
      shortName(entry) === wanted ||
      (longName?.checksum === shortNameChecksum(entry) && longName.text.toUpperCase() === wanted);
    longName = undefined;
    if (matches && ((entry[11] ?? 0) & ATTRIBUTES_NOT_A_FILE) === 0) return locateEntry(entry, volume);
  }
  return undefined;
}

function parseVolume(sector: Uint8Array): Volume {
  const view = new DataView(sector.buffer, sector.byteOffset, sector.byteLength);
  const sector_bytes = view.getUint16(11, true);
  const cluster_bytes = view.getUint8(13) * sector_bytes;
  const reserved = view.getUint16(14, true);
  const fats = view.getUint8(16);
  const rootEntries = view.getUint16(17, true);
  const sectors = view.getUint16(19, true) || view.getUint32(32, true);
  const shortFat = view.getUint16(22, true);
  const fatSectors = shortFat || view.getUint32(36, true);
  const powerOfTwo = (number: number) => number > 0 && (number & (number - 1)) === 0;
  const plausible =
    view.getUint16(510, true) === 0xaa55 &&
    [512, 1024, 2048, 4096].includes(sector_bytes) &&
    powerOfTwo(cluster_bytes) &&
    cluster_bytes <= FAT_CLUSTER_MAX_BYTES &&
    reserved > 0 &&
    (fats === 1 || fats === 2) &&
    fatSectors > 0;
  if (!plausible) throw new BulkheadError('FAT_DAMAGED', 'the boot sector is not that of a FAT volume');

  const fat_bytes = reserved * sector_bytes;
  const rootArea_bytes = Math.ceil((rootEntries * ENTRY_BYTES) / sector_bytes) * sector_bytes;
  const rootOffset_bytes = fat_bytes + fats * fatSectors * sector_bytes;
  const data_bytes = rootOffset_bytes + rootArea_bytes;
  const clusters = Math.floor((sectors * sector_bytes - data_bytes) / cluster_bytes);
  if (clusters < 1) throw new BulkheadError('FAT_DAMAGED', 'the FAT volume has no room for data');
  // Linux and GRUB both tell FAT32 by this field, not by the number of clusters.
  const root =
    shortFat === 0
      ? { cluster: view.getUint32(44, true) & FAT32_ENTRY_MASK }
      : { offset_bytes: rootOffset_bytes, size_bytes: rootArea_bytes };
  return { cluster_bytes, fat_bytes, data_bytes, clusters, root };
}

function* directoryEntries(readAt: ReadAt, volume: Volume): Generator<Uint8Array> {
  if ('size_bytes' in volume.root) {
    yield* entriesOf(readAt(volume.root.offset_bytes, volume.root.size_bytes));
    return;
  }
  let cluster = volume.root.cluster;
  for (let followed = 0; cluster < FAT32_END; followed += 1) {
    if (followed >= FAT_DIRECTORY_CLUSTERS_MAX) {
      throw new BulkheadError(
        'FAT_DAMAGED',
        `the root directory has more than ${FAT_DIRECTORY_CLUSTERS_MAX} clusters`,
      );
    }
    yield* entriesOf(readAt(clusterOffset(cluster, volume), volume.cluster_bytes));
    const link = readAt(volume.fat_bytes + cluster * 4, 4);
    cluster = new DataView(link.buffer, link.byteOffset, 4).getUint32(0, true) & FAT32_ENTRY_MASK;
  }
}

function* entriesOf(area: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at + ENTRY_BYTES <= area.length; at += ENTRY_BYTES)
    yield area.subarray(at, at + ENTRY_BYTES);
}

function clusterOffset(cluster: number, volume: Volume): number {
  if (cluster < 2 || cluster >= volume.clusters + 2) {
    throw new BulkheadError(
      'FAT_DAMAGED',
      `cluster ${cluster} is outside the FAT volume (2 to ${volume.clusters + 1})`,
    );
  }
  return volume.data_bytes + (cluster - 2) * volume.cluster_bytes;
}

function locateEntry(entry: Uint8Array, volume: Volume): LocatedFile {
  const view = new DataView(entry.buffer, entry.byteOffset, ENTRY_BYTES);
  const size_bytes = view.getUint32(28, true);
  // The upper half of the cluster number has another meaning outside FAT32.
  const high = 'cluster' in volume.root ? view.getUint16(20, true) : 0;
  const cluster = high * 0x1_0000 + view.getUint16(26, true);
  return { offset_bytes: cluster === 0 ? undefined : clusterOffset(cluster, volume), size_bytes };
}

/** `NAME.EXT` in capitals, as the directory holds it. */
function shortName(entry: Uint8Array): string {
  const text = new TextDecoder('latin1').decode(entry.subarray(0, 11));
  const base = text.slice(0, 8).trimEnd();
  const extension = text.slice(8).trimEnd();
  return extension === '' ? base : `${base}.${extension}`;
}

interface LongName {
  text: string;
  checksum: number;
}

/** Long names stand in front of their short entry in pieces of 13 UTF-16 units, the last piece first. */
function collectLongName(before: LongName | undefined, entry: Uint8Array): LongName {
  const view = new DataView(entry.buffer, entry.byteOffset, ENTRY_BYTES);
  const units = [1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30].map((at) => view.getUint16(at, true));
  const end = units.indexOf(0);
  const piece = String.fromCharCode(...(end < 0 ? units : units.slice(0, end)));
  const isLastPiece = (view.getUint8(0) & 0x40) !== 0;
  return {
    text: isLastPiece || !before ? piece : piece + before.text,
    checksum: view.getUint8(13),
  };
}

function shortNameChecksum(entry: Uint8Array): number {
  return entry.subarray(0, 11).reduce((sum, byte) => (((sum & 1) << 7) + (sum >> 1) + byte) & 0xff, 0);
}
