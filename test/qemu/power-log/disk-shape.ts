import { closeSync, openSync, readSync } from 'node:fs';
import { BulkheadError } from '../../../base/errors.ts';
import { locateFile } from '../../../partitions/fat-locate.ts';
import { BOOT_STATE_FILE, DATA_LABEL, ESP_LABEL, SLOT_LABELS } from '../../../partitions/layout-names.ts';
import type { Slot } from '../../../partitions/slot.ts';
import { SECTOR_BYTES } from '../../../partitions/slot-blob.ts';
import { diskSize_bytes } from '../harness/disk.ts';
import { findPartition, GPT_HEAD_BYTES, parseGpt } from '../harness/gpt.ts';

/** A stretch of the disk. */
export interface Range {
  start_bytes: number;
  end_bytes: number;
}

/** Where on a disk the things lie that a power cut could spoil. */
export interface DiskShape {
  size_bytes: number;
  esp: Range;
  /** The one sector that may change on the ESP. */
  state_at_bytes: number;
  slots: Readonly<Record<Slot, Range>>;
  data: Range;
}

/**
 * @param path raw disk
 * @throws BulkheadError GPT_INVALID, PARTITION_MISSING, FAT_DAMAGED, POWER_DISK_WITHOUT_STATE
 */
export async function readDiskShape(path: string): Promise<DiskShape> {
  const size_bytes = await diskSize_bytes({ path, format: 'raw' });
  const table = parseGpt(readAt(path, 0, GPT_HEAD_BYTES));
  const rangeOf = (label: string): Range => {
    const found = findPartition(table, label);
    return { start_bytes: found.offset_bytes, end_bytes: found.offset_bytes + found.size_bytes };
  };
  const esp = rangeOf(ESP_LABEL);
  const state = locateFile(
    (offset_bytes, length_bytes) => readAt(path, esp.start_bytes + offset_bytes, length_bytes),
    BOOT_STATE_FILE,
  );
  if (state?.offset_bytes === undefined || state.size_bytes !== SECTOR_BYTES) {
    throw new BulkheadError('POWER_DISK_WITHOUT_STATE', `${path} has no boot state of ${SECTOR_BYTES} bytes`);
  }
  return {
    size_bytes,
    esp,
    state_at_bytes: esp.start_bytes + state.offset_bytes,
    slots: { A: rangeOf(SLOT_LABELS.A), B: rangeOf(SLOT_LABELS.B) },
    data: rangeOf(DATA_LABEL),
  };
}

/** The part of a stretch that lies in another, undefined when there is none. */
export function overlap(one: Range, other: Range): Range | undefined {
  const start_bytes = Math.max(one.start_bytes, other.start_bytes);
  const end_bytes = Math.min(one.end_bytes, other.end_bytes);
  return start_bytes < end_bytes ? { start_bytes, end_bytes } : undefined;
}

/** Bytes of a file; zeros behind its end. */
function readAt(path: string, offset_bytes: number, size_bytes: number): Uint8Array {
  const file = openSync(path, 'r');
  try {
    const bytes = new Uint8Array(size_bytes);
    readSync(file, bytes, 0, size_bytes, offset_bytes);
    return bytes;
  } finally {
    closeSync(file);
  }
}
