import { closeSync, openSync, readSync } from 'node:fs';
import { BulkheadError } from '../../base/errors.ts';
import { FOOTER_BYTES } from '../../partitions/slot-blob.ts';
import { TAIL_BYTES } from '../bundle/manifest.ts';

/** Random access to bytes that do not change: an image file, the running slot, an array. */
export interface BlobReader {
  readonly size_bytes: number;
  /**
   * Exactly the bytes asked for. The array may be overwritten by the next call.
   *
   * @throws BulkheadError when they cannot be read
   */
  read(offset_bytes: number, size_bytes: number): Uint8Array;
}

export interface SlotStreamReader extends BlobReader {
  close(): void;
}

/**
 * The stream of a slot, data area and tail without the hash tree between them (updater/bundle/manifest.ts), read from a slot
 * image or partition. Reads through the page cache with plain reads: a mapped partition that fails would end the
 * process with SIGBUS instead of an error.
 *
 * @throws BulkheadError DELTA_BASE_UNREADABLE, from here and from `read`; `read` DELTA_BASE_RANGE
 */
export function slotStreamReader(
  path: string,
  slot: { data_bytes: number; blob_bytes: number },
): SlotStreamReader {
  const size_bytes = slot.data_bytes + TAIL_BYTES;
  /** Up to here the stream lies as in the slot: data area and verity superblock. */
  const split_bytes = size_bytes - FOOTER_BYTES;
  const skipped_bytes = slot.blob_bytes - size_bytes;
  const file = openFile(path);
  let buffer = new Uint8Array(0);
  return {
    size_bytes,
    read(offset_bytes, length_bytes) {
      if (!(offset_bytes >= 0 && length_bytes >= 0 && offset_bytes + length_bytes <= size_bytes)) {
        throw new BulkheadError(
          'DELTA_BASE_RANGE',
          `${length_bytes} bytes at ${offset_bytes} were wanted of the slot stream ${path}, which has ${size_bytes}`,
        );
      }
      if (buffer.length < length_bytes) buffer = new Uint8Array(length_bytes);
      const wanted = buffer.subarray(0, length_bytes);
      const before_bytes = Math.max(0, Math.min(length_bytes, split_bytes - offset_bytes));
      readExactly(file, path, wanted.subarray(0, before_bytes), offset_bytes);
      readExactly(file, path, wanted.subarray(before_bytes), offset_bytes + before_bytes + skipped_bytes);
      return wanted;
    },
    close: () => closeSync(file),
  };
}

function openFile(path: string): number {
  try {
    return openSync(path, 'r');
  } catch (cause) {
    throw new BulkheadError('DELTA_BASE_UNREADABLE', `cannot open ${path}, which the delta starts from`, {
      cause,
    });
  }
}

function readExactly(file: number, path: string, into: Uint8Array, offset_bytes: number): void {
  let filled_bytes = 0;
  while (filled_bytes < into.length) {
    let got_bytes: number;
    try {
      got_bytes = readSync(file, into, filled_bytes, into.length - filled_bytes, offset_bytes + filled_bytes);
    } catch (cause) {
      throw unreadable(path, into.length, offset_bytes, { cause });
    }
    if (got_bytes === 0) throw unreadable(path, into.length, offset_bytes);
    filled_bytes += got_bytes;
  }
}

function unreadable(
  path: string,
  size_bytes: number,
  offset_bytes: number,
  options: { cause?: unknown } = {},
) {
  return new BulkheadError(
    'DELTA_BASE_UNREADABLE',
    `cannot read ${size_bytes} bytes at ${offset_bytes} of ${path}, which the delta starts from`,
    { ...options, hint: 'install the full bundle; if that is the running slot, look at its disk' },
  );
}
