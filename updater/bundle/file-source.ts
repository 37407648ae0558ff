import { close, fstat, open, read } from 'node:fs';
import { promisify } from 'node:util';
import { BulkheadError } from '../../base/errors.ts';
import type { ByteSource } from '../source.ts';
import { FILE_READ_BYTES } from './limits.ts';

// Plain descriptors: a FileHandle that somebody forgets to close ends the whole process when it is collected.
const openFile = promisify<string, string, number>(open);
const readFile = promisify(read);
const statFile = promisify(fstat);
const closeFile = promisify(close);

/**
 * A bundle in a file. Opened with the first question; nothing is held before.
 *
 * Its calls throw BulkheadError BUNDLE_FILE_UNREADABLE, and BUNDLE_FILE_SHORT where the file ends before the range that was
 * asked for.
 */
export function fileSource(path: string): ByteSource {
  let opened: Promise<number> | undefined;
  const file = (): Promise<number> => {
    opened ??= openFile(path, 'r').catch((cause: unknown) => {
      opened = undefined;
      throw unreadable(path, cause);
    });
    return opened;
  };
  return {
    name: path,
    size_bytes: async () => {
      const stats = await statFile(await file());
      if (!stats.isFile()) throw unreadable(path, new Error('it is no file'));
      return stats.size;
    },
    async *read(start_bytes, end_bytes) {
      const descriptor = await file();
      for (let at_bytes = start_bytes; at_bytes < end_bytes; ) {
        const part = await readPart(
          descriptor,
          path,
          at_bytes,
          Math.min(FILE_READ_BYTES, end_bytes - at_bytes),
        );
        if (part.length === 0) {
          throw new BulkheadError(
            'BUNDLE_FILE_SHORT',
            `${path} ends at byte ${at_bytes}, ${end_bytes} were asked for`,
            { hint: 'the file is not complete, or something else writes to it: copy it again' },
          );
        }
        at_bytes += part.length;
        yield part;
      }
    },
    close: async () => {
      const descriptor = await opened?.catch(() => undefined); // It was never open, then.
      opened = undefined;
      if (descriptor !== undefined) await closeFile(descriptor);
    },
  };
}

async function readPart(
  descriptor: number,
  path: string,
  at_bytes: number,
  size_bytes: number,
): Promise<Uint8Array> {
  try {
    const { buffer, bytesRead } = await readFile(
      descriptor,
      new Uint8Array(size_bytes),
      0,
      size_bytes,
      at_bytes,
    );
    return buffer.subarray(0, bytesRead);
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

function unreadable(path: string, cause: unknown): BulkheadError {
  return new BulkheadError('BUNDLE_FILE_UNREADABLE', `cannot read ${path}`, { cause });
}
