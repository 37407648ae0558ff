import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { BulkheadError } from '../../base/errors.ts';

/**
 * The partition of the standby slot, open past the page cache. Every offset, length and buffer is a multiple of
 * DIRECT_IO_ALIGN_BYTES and aligned to it (base/direct-io.ts).
 */
export interface SlotDevice {
  readonly path: string;
  /** @throws BulkheadError UPDATE_SLOT_IO_FAILED, as the other two do; `read` UPDATE_SLOT_READ_SHORT as well */
  write(offset_bytes: number, bytes: Uint8Array): Promise<void>;
  /** Fills `into`: what the device holds, not what was last thought of it. */
  read(offset_bytes: number, into: Uint8Array): Promise<void>;
  /** Returns when the disk has written what it was given, its own cache included. */
  flush(): Promise<void>;
  close(): Promise<void>;
}

const O_DIRECT = constants.O_DIRECT ?? 0o40000;

/**
 * Opens the partition for itself alone: O_EXCL on a block device fails while a file system or dm-verity is on it, so
 * the running slot cannot be opened even where everything else went wrong.
 *
 * @throws BulkheadError UPDATE_SLOT_BUSY, UPDATE_SLOT_UNWRITABLE
 */
export async function openSlotDevice(path: string): Promise<SlotDevice> {
  let file: FileHandle;
  try {
    file = await open(path, constants.O_RDWR | O_DIRECT | constants.O_EXCL);
  } catch (cause) {
    if (errorCode(cause) === 'EBUSY') {
      throw new BulkheadError('UPDATE_SLOT_BUSY', `${path} is in use and is not written to`, {
        cause,
        hint: "only the slot that does not run is written; 'bulkhead slots' shows which that is",
      });
    }
    throw new BulkheadError('UPDATE_SLOT_UNWRITABLE', `cannot open ${path} for writing`, { cause });
  }
  const attempt = async <Result>(what: string, step: () => Promise<Result>): Promise<Result> => {
    try {
      return await step();
    } catch (cause) {
      throw new BulkheadError('UPDATE_SLOT_IO_FAILED', `cannot ${what} ${path}`, {
        cause,
        hint: 'the disk is failing: dmesg, smartctl; the slot was not armed',
      });
    }
  };
  return {
    path,
    write: async (offset_bytes, bytes) => {
      let written_bytes = 0;
      while (written_bytes < bytes.length) {
        const rest = bytes.subarray(written_bytes);
        const at_bytes = offset_bytes + written_bytes;
        const put = await attempt(`write at byte ${at_bytes} of`, () =>
          file.write(rest, 0, rest.length, at_bytes),
        );
        written_bytes += put.bytesWritten;
      }
    },
    read: async (offset_bytes, into) => {
      const { bytesRead } = await attempt(`read at byte ${offset_bytes} of`, () =>
        file.read(into, 0, into.length, offset_bytes),
      );
      if (bytesRead !== into.length) {
        throw new BulkheadError(
          'UPDATE_SLOT_READ_SHORT',
          `read ${bytesRead} of ${into.length} bytes at ${offset_bytes} of ${path}`,
          { hint: 'the disk is failing or the partition is shorter than its table says' },
        );
      }
    },
    flush: () => attempt('flush', () => file.datasync()),
    close: () => file.close(),
  };
}

function errorCode(error: unknown): string | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : undefined;
}
