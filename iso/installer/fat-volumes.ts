import { type ReadDisk, readGpt } from '../../partitions/layout-gpt.ts';

/** A FAT file system somewhere on a stick. */
export interface FatVolume {
  /** From the start of the device. */
  offset_bytes: number;
  /** Volume label from the boot sector; empty when there is none. */
  label: string;
}

/** Sticks are partitioned in these units even when the drive shows larger sectors, as a CD drive does for a hybrid ISO. */
const STICK_SECTOR_BYTES = 512;
const MBR_ENTRIES_OFFSET = 446;
const MBR_ENTRY_BYTES = 16;
const MBR_ENTRIES = 4;

/**
 * Finds FAT file systems by reading the stick: on the whole device, in a GPT, in the four primary MBR partitions. Needs no
 * partition nodes, which a CD drive with a hybrid ISO does not have.
 *
 * @param sector_bytes logical sector size of the device
 */
export async function findFatVolumes(read: ReadDisk, sector_bytes: number): Promise<FatVolume[]> {
  const first = await read(0, STICK_SECTOR_BYTES);
  const whole = parseFatBootSector(first);
  if (whole !== undefined) return [{ offset_bytes: 0, label: whole }];
  const starts_bytes = new Set(mbrStarts(first));
  for (const unit_bytes of new Set([STICK_SECTOR_BYTES, sector_bytes])) {
    const table = await readGpt(read, unit_bytes, 1);
    for (const entry of table?.entries ?? []) starts_bytes.add(entry.start_bytes);
  }
  const volumes: FatVolume[] = [];
  for (const offset_bytes of [...starts_bytes].sort((one, other) => one - other)) {
    // A partition that reaches beyond the device (a truncated copy of an image) cannot be read, and is none.
    const sector = await read(offset_bytes, STICK_SECTOR_BYTES).catch(() => undefined);
    const label = sector && parseFatBootSector(sector);
    if (label !== undefined) volumes.push({ offset_bytes, label });
  }
  return volumes;
}

function mbrStarts(sector: Uint8Array): number[] {
  const view = new DataView(sector.buffer, sector.byteOffset, sector.byteLength);
  if (view.getUint16(510, true) !== 0xaa55) return [];
  return Array.from({ length: MBR_ENTRIES }, (_, index) => MBR_ENTRIES_OFFSET + index * MBR_ENTRY_BYTES)
    .filter((at) => view.getUint8(at + 4) !== 0 && view.getUint8(at + 4) !== 0xee)
    .map((at) => view.getUint32(at + 8, true) * STICK_SECTOR_BYTES)
    .filter((start_bytes) => start_bytes > 0);
}

/** The label of a FAT boot sector, or undefined when it is none (Microsoft FAT specification 1.03). */
function parseFatBootSector(sector: Uint8Array): string | undefined {
  const text = (start: number, end: number) => new TextDecoder('latin1').decode(sector.subarray(start, end));
  if (sector[510] !== 0x55 || sector[511] !== 0xaa) return undefined;
  const labelAt = text(82, 87) === 'FAT32' ? 71 : /^FAT1[26 ]/.test(text(54, 59)) ? 43 : undefined;
  if (labelAt === undefined) return undefined;
  const label = text(labelAt, labelAt + 11).trimEnd();
  return label === 'NO NAME' ? '' : label;
}
