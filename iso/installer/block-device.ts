import { close, constants, fsync, openSync, read, write } from 'node:fs';
import { promisify } from 'node:util';
import { withDeadline } from '../../base/deadline.ts';
import { alignedBuffer } from '../../base/direct-io.ts';
import { BulkheadError } from '../../base/errors.ts';
import { IO_STALL_MS } from './limits.ts';

/**
 * An open block device. Transfers run beside the main thread and each has a deadline, so a disk that no longer answers is a
 * readable failure and the screen keeps moving.
 */
export interface BlockDevice {
  /** Past the page cache. Offset and length are multiples of the sector size, the buffer is an `alignedBuffer`. */
  write(bytes: Uint8Array, offset_bytes: number): Promise<void>;
  /** Fills the whole buffer. */
  read(buffer: Uint8Array, offset_bytes: number): Promise<void>;
  /** Returns when the device says that everything is on stable storage. */
  flush(): Promise<void>;
  close(): Promise<void>;
}

/**
 * `read` and `write` go past the page cache; `read-cached` does not and takes any offset; `write-exclusive` fails when the
 * device or one of its partitions is mounted or used by anything else.
 */
export type BlockAccess = 'read' | 'read-cached' | 'write' | 'write-exclusive';

/** Handed in, so that a test can count, delay or cut every transfer. */
export type OpenBlockDevice = (path: string, access: BlockAccess) => BlockDevice;

const O_DIRECT = constants.O_DIRECT ?? 0o40000;
const FLAGS: Readonly<Record<BlockAccess, number>> = {
  read: constants.O_RDONLY | O_DIRECT,
  'read-cached': constants.O_RDONLY,
  write: constants.O_WRONLY | O_DIRECT,
  // open(2): without O_CREAT, O_EXCL on a block device fails with EBUSY when it is in use by the system.
  'write-exclusive': constants.O_RDWR | O_DIRECT | constants.O_EXCL,
};

const readAsync = promisify(read);
const writeAsync = promisify(write);
const fsyncAsync = promisify(fsync);
const closeAsync = promisify(close);

/** @throws BulkheadError INSTALL_DISK_BUSY, INSTALL_DISK_UNREADABLE; later INSTALL_DISK_STALLED, INSTALL_DISK_ERROR */
export const openBlockDevice: OpenBlockDevice = (path, access) => {
  let file: number;
  try {
    file = openSync(path, FLAGS[access]);
  } catch (cause) {
    const busy = (cause as NodeJS.ErrnoException).code === 'EBUSY';
    throw new BulkheadError(
      busy ? 'INSTALL_DISK_BUSY' : 'INSTALL_DISK_UNREADABLE',
      busy ? `${path} is in use by something else` : `cannot open ${path}`,
      { cause },
    );
  }
  const guard = async (what: string, wanted_bytes: number, transfer: Promise<number>) => {
    const done_bytes = await withDeadline(transfer, IO_STALL_MS, () => {
      throw new BulkheadError(
        'INSTALL_DISK_STALLED',
        `${path} did not answer for ${IO_STALL_MS / 1000} s (${what})`,
      );
    }).catch((cause: unknown) => {
      if (cause instanceof BulkheadError) throw cause;
      throw new BulkheadError('INSTALL_DISK_ERROR', `${path}: cannot ${what}`, { cause });
    });
    if (done_bytes !== wanted_bytes) {
      throw new BulkheadError(
        'INSTALL_DISK_ERROR',
        `${path}: ${what} moved ${done_bytes} of ${wanted_bytes} bytes`,
      );
    }
  };
  return {
    write: (bytes, offset_bytes) =>
      guard(
        `write at byte ${offset_bytes}`,
        bytes.length,
        writeAsync(file, bytes, 0, bytes.length, offset_bytes).then((result) => result.bytesWritten),
      ),
    read: (buffer, offset_bytes) =>
      guard(
        `read at byte ${offset_bytes}`,
        buffer.length,
        readAsync(file, buffer, 0, buffer.length, offset_bytes).then((result) => result.bytesRead),
      ),
    flush: () =>
      guard(
        'flush',
        0,
        fsyncAsync(file).then(() => 0),
      ),
    close: () => closeAsync(file),
  };
};

/** Reads one range and closes again. */
export async function readRange(
  open: OpenBlockDevice,
  path: string,
  access: 'read' | 'read-cached',
  offset_bytes: number,
  size_bytes: number,
): Promise<Uint8Array> {
  const device = open(path, access);
  try {
    const buffer = alignedBuffer(size_bytes);
    await device.read(buffer, offset_bytes);
    return buffer;
  } finally {
    await device.close();
  }
}
