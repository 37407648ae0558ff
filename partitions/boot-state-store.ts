import { closeSync, constants, fstatSync, openSync, readFileSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { alignedBuffer, readDirect, writeDirect } from '../base/direct-io.ts';
import { BulkheadError } from '../base/errors.ts';
import { DIRECT_IO_ALIGN_BYTES } from '../base/limits.ts';
import { type BootState, parseBootState, serialiseBootState } from './boot-state.ts';
import { type LocatedFile, locateFile, type ReadAt } from './fat-locate.ts';
import { BOOT_STATE_FILE, ESP_MOUNT } from './layout-names.ts';
import { BOOT_STATE_BYTES, LARGE_BLOCK_BYTES } from './limits.ts';

/** `damaged`: there, but not a boot state; `missing`: no such file; `unreadable`: the system would not let us look. */
export type BootStateCondition = 'ok' | 'damaged' | 'missing' | 'unreadable';

export interface BootStateReading {
  /** Null unless the condition is `ok`. */
  state: BootState | null;
  condition: BootStateCondition;
}

export interface BootStateIo {
  /** Folder the ESP is mounted at. Default ESP_MOUNT. */
  espMount?: string;
}

/**
 * Reads the boot state from the mounted ESP, past the page cache: the sector is written below the file system, so
 * the cache holds what once was. Never throws; what cannot be read is a condition to report.
 */
export function readBootState(io: BootStateIo = {}): BootStateReading {
  let bytes: Uint8Array;
  try {
    bytes = readFileDirect(join(io.espMount ?? ESP_MOUNT, BOOT_STATE_FILE));
  } catch (error) {
    return { state: null, condition: errorCode(error) === 'ENOENT' ? 'missing' : 'unreadable' };
  }
  const state = bytes.length === BOOT_STATE_BYTES ? parseBootState(bytes) : undefined;
  return state ? { state, condition: 'ok' } : { state: null, condition: 'damaged' };
}

/**
 * Reads the boot state straight from the ESP's block device, mounted or not.
 *
 * @throws BulkheadError FAT_DAMAGED when the device holds no FAT volume
 */
export function readBootStateFromDevice(espDevice: string): BootStateReading {
  const place = locateBootState(espDevice);
  if (!place) return { state: null, condition: 'missing' };
  if (place.offset_bytes === undefined || place.size_bytes !== BOOT_STATE_BYTES) {
    return { state: null, condition: 'damaged' };
  }
  const state = parseBootState(deviceReader(espDevice)(place.offset_bytes, BOOT_STATE_BYTES));
  return state ? { state, condition: 'ok' } : { state: null, condition: 'damaged' };
}

/**
 * Overwrites the sector of `ab_state` on the block device and reads it back. Nothing else on the ESP changes, and a
 * power cut leaves either the old or the new state. The ESP may be mounted; it should be read-only.
 *
 * @param espDevice the ESP's partition, e.g. `/dev/nvme0n1p1` (from the initrd's report)
 * @throws BulkheadError BOOT_STATE_NOT_WRITTEN: the file is not there or has not 512 bytes (see repairBootState), the
 *         device refused, or what was read back differs. The state is then the old or unknown: read it again.
 */
export function writeBootState(espDevice: string, state: BootState): void {
  const place = attempt(espDevice, () => locateBootState(espDevice));
  if (place?.offset_bytes === undefined || place.size_bytes !== BOOT_STATE_BYTES) {
    const found = place ? `has ${place.size_bytes} bytes` : 'is missing';
    throw new BulkheadError(
      'BOOT_STATE_NOT_WRITTEN',
      `${BOOT_STATE_FILE} on ${espDevice} ${found}, ${BOOT_STATE_BYTES} are needed`,
      { hint: 'the health gate repairs it, or: bulkhead slots repair' },
    );
  }
  const { offset_bytes } = place;
  const block = serialiseBootState(state);
  attempt(espDevice, () => overwrite(espDevice, offset_bytes, block));
  const written = attempt(espDevice, () => deviceReader(espDevice)(offset_bytes, BOOT_STATE_BYTES));
  if (!Buffer.from(written).equals(block)) {
    throw new BulkheadError(
      'BOOT_STATE_NOT_WRITTEN',
      `${espDevice} took the boot state at byte ${offset_bytes} but reads back something else`,
      { hint: 'the disk is failing' },
    );
  }
}

/** Where the boot state lies on the device; undefined when the root directory does not name it. */
export function locateBootState(espDevice: string): LocatedFile | undefined {
  return locateFile(deviceReader(espDevice), BOOT_STATE_FILE);
}

/** Any range of a device by whole aligned blocks, because O_DIRECT gives nothing else. */
function deviceReader(device: string): ReadAt {
  return (offset_bytes, size_bytes) => {
    const start = Math.floor(offset_bytes / DIRECT_IO_ALIGN_BYTES) * DIRECT_IO_ALIGN_BYTES;
    const end = Math.ceil((offset_bytes + size_bytes) / DIRECT_IO_ALIGN_BYTES) * DIRECT_IO_ALIGN_BYTES;
    const blocks = readDirect(device, start, end - start);
    return blocks.subarray(offset_bytes - start, offset_bytes - start + size_bytes);
  };
}

function overwrite(device: string, offset_bytes: number, block: Uint8Array): void {
  try {
    writeDirect(device, offset_bytes, block);
  } catch (error) {
    // A disk with 4096-byte blocks takes no single sector; that block is then what it writes whole or not at all.
    if (errorCode(error) !== 'EINVAL') throw error;
    const start = Math.floor(offset_bytes / LARGE_BLOCK_BYTES) * LARGE_BLOCK_BYTES;
    const around = Uint8Array.from(readDirect(device, start, LARGE_BLOCK_BYTES));
    around.set(block, offset_bytes - start);
    writeDirect(device, start, around);
  }
}

function attempt<Result>(espDevice: string, step: () => Result): Result {
  try {
    return step();
  } catch (cause) {
    throw new BulkheadError('BOOT_STATE_NOT_WRITTEN', `the boot state on ${espDevice} could not be written`, {
      cause,
    });
  }
}

/** A small file past the page cache; through it where the file system knows no O_DIRECT. */
function readFileDirect(path: string): Uint8Array {
  let file: number;
  try {
    file = openSync(path, constants.O_RDONLY | (constants.O_DIRECT ?? 0o40000));
  } catch (error) {
    if (errorCode(error) !== 'EINVAL') throw error;
    return readFileSync(path);
  }
  try {
    // The size comes from the directory entry, not from the transfer: a longer file must not pass for a whole one.
    if (fstatSync(file).size !== BOOT_STATE_BYTES) return new Uint8Array(0);
    const buffer = alignedBuffer(DIRECT_IO_ALIGN_BYTES);
    const got_bytes = readSync(file, buffer, 0, DIRECT_IO_ALIGN_BYTES, 0);
    return buffer.subarray(0, got_bytes);
  } catch (error) {
    if (errorCode(error) !== 'EINVAL') throw error;
    return readFileSync(path);
  } finally {
    closeSync(file);
  }
}

function errorCode(error: unknown): string | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : undefined;
}
