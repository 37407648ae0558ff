import { ptr } from 'bun:ffi';
import { closeSync, constants, openSync, readSync, writeSync } from 'node:fs';
import { BulkheadError } from './errors.ts';
import { DIRECT_IO_ALIGN_BYTES } from './limits.ts';

/** O_DSYNC of Linux x86-64 (asm-generic/fcntl.h); node:fs exports it under this name only on some systems. */
const O_DSYNC = constants.O_DSYNC ?? 0o10000;
const O_DIRECT = constants.O_DIRECT ?? 0o40000;

/** A buffer whose first byte lies on a DIRECT_IO_ALIGN_BYTES boundary, as O_DIRECT demands. */
export function alignedBuffer(size_bytes: number): Uint8Array {
  const raw = new Uint8Array(size_bytes + DIRECT_IO_ALIGN_BYTES);
  const offset = (DIRECT_IO_ALIGN_BYTES - (Number(ptr(raw)) % DIRECT_IO_ALIGN_BYTES)) % DIRECT_IO_ALIGN_BYTES;
  return raw.subarray(offset, offset + size_bytes);
}

/**
 * Reads past the page cache: what the device holds, not what was last thought of it.
 *
 * @param offset_bytes multiple of the sector size
 * @throws BulkheadError DIRECT_READ_SHORT when the file or device ends before
 */
export function readDirect(path: string, offset_bytes: number, size_bytes: number): Uint8Array {
  const file = openSync(path, constants.O_RDONLY | O_DIRECT);
  try {
    const buffer = alignedBuffer(size_bytes);
    const got = readSync(file, buffer, 0, size_bytes, offset_bytes);
    if (got !== size_bytes) {
      throw new BulkheadError(
        'DIRECT_READ_SHORT',
        `read ${got} of ${size_bytes} bytes at ${offset_bytes} of ${path}`,
      );
    }
    return buffer;
  } finally {
    closeSync(file);
  }
}

/**
 * Overwrites bytes in place past the page cache and returns when the device has them (O_DIRECT | O_DSYNC).
 * One sector written this way is the only write that was found to be safe on an ESP at every cut.
 *
 * @throws BulkheadError DIRECT_WRITE_SHORT
 */
export function writeDirect(path: string, offset_bytes: number, bytes: Uint8Array): void {
  const file = openSync(path, constants.O_WRONLY | O_DIRECT | O_DSYNC);
  try {
    const buffer = alignedBuffer(bytes.length);
    buffer.set(bytes);
    const put = writeSync(file, buffer, 0, bytes.length, offset_bytes);
    if (put !== bytes.length) {
      throw new BulkheadError(
        'DIRECT_WRITE_SHORT',
        `wrote ${put} of ${bytes.length} bytes at ${offset_bytes} of ${path}`,
      );
    }
  } finally {
    closeSync(file);
  }
}
