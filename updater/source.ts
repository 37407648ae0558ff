import { BulkheadError } from '../base/errors.ts';
import { freeSpent } from './spent-buffer.ts';

/**
 * Where a bundle comes from: a file or a server, read by ranges. Whoever reads does not see mirrors, broken
 * connections or the bandwidth limit; a source either yields exactly the bytes asked for or throws.
 */
export interface ByteSource {
  /** For messages: a path or a URL without credentials. */
  readonly name: string;
  /** Length of the whole thing. */
  size_bytes(): Promise<number>;
  /**
   * The bytes from `start_bytes` up to, not including, `end_bytes`, in order, in parts of any length.
   * Ends after exactly that many. Leaving the loop early ends the transfer. A part belongs to the reader, who may empty it
   * once the next one has come.
   */
  read(start_bytes: number, end_bytes: number): AsyncIterable<Uint8Array>;
  /**
   * Tells that what was read of a range is not what was signed. Absent where there is nobody else to ask.
   *
   * @returns whether reading it again is worth it: somebody else is asked from here on
   */
  distrust?(start_bytes: number, end_bytes: number, reason: BulkheadError): boolean;
  close(): Promise<void>;
}

/**
 * Reads something that shows whether it is right, and when it is not, reads it again from the next mirror, until none is left.
 *
 * @param read throws a BulkheadError when what came is not what was signed; run again then, so it must not have used it
 * @throws what `read` threw last
 */
export async function readVerified<Result>(
  source: ByteSource,
  start_bytes: number,
  end_bytes: number,
  read: () => Promise<Result>,
): Promise<Result> {
  for (;;) {
    try {
      return await read();
    } catch (error) {
      // What the transfer itself failed with is for the source to mend, and it has tried.
      const isContent = error instanceof BulkheadError && !error.code.startsWith('FETCH_');
      if (!isContent || !source.distrust?.(start_bytes, end_bytes, error)) throw error;
    }
  }
}

/** A short range as one array. Only for what is bounded by a limit of its own. */
export async function readRange(
  source: ByteSource,
  start_bytes: number,
  end_bytes: number,
): Promise<Uint8Array> {
  const range = new Uint8Array(end_bytes - start_bytes);
  await readInto(source, start_bytes, range);
  return range;
}

/**
 * Fills an array with the bytes from `start_bytes` on. Makes no garbage of its own.
 *
 * @param signal leaves the transfer; the array is then filled in part, and nothing is thrown
 */
export async function readInto(
  source: ByteSource,
  start_bytes: number,
  into: Uint8Array,
  signal?: AbortSignal,
): Promise<void> {
  let filled_bytes = 0;
  let spent: Uint8Array | undefined;
  for await (const part of source.read(start_bytes, start_bytes + into.length)) {
    if (signal?.aborted) return;
    // Not before: a source may still look at what it gave out when it is asked for more.
    if (spent) freeSpent(spent);
    spent = part;
    into.set(part, filled_bytes);
    filled_bytes += part.length;
  }
  if (spent) freeSpent(spent);
}
