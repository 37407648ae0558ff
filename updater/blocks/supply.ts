import { BLOCK_BYTES } from '../../partitions/slot-blob.ts';
import { PIECE_TARGET_BYTES } from '../limits.ts';
import { readInto, readRange } from '../source.ts';
import { freeSpent } from '../spent-buffer.ts';
import { GROUP_BLOCKS, REQUEST_MAX_BYTES } from './limits.ts';
import type { PackedFile } from './packed-file.ts';
import { frameRoom, unpackBlock } from './packed-format.ts';
import type { ByteRun } from './runs.ts';

/** Where blocks come from that the base does not have. What they hold is verified by whoever takes them. */
export interface BlockSupply {
  /**
   * One block of the target, valid until the next is asked for; undefined where it cannot be unpacked. Those of the plan
   * are asked for in ascending order, others whenever they are needed.
   */
  read(block: number): Promise<Uint8Array | undefined>;
  /** Nothing more is fetched ahead. */
  stop(): void;
}

/** A run on its way, or there. */
interface Fetch extends ByteRun {
  bytes: Uint8Array;
  filled: Promise<void>;
}

/**
 * Blocks out of a file of packed blocks, by range. While one run is taken apart the next is on its way, so two are in memory and
 * one request is open. A block that is in neither is fetched alone.
 *
 * @param wanted blocks of the plan, ascending
 * @throws BulkheadError BLOCKS_FILE_INVALID; what the source throws
 */
export async function supplyFromFile(file: PackedFile, wanted: Iterable<number>): Promise<BlockSupply> {
  const left = await file.runsOf(wanted);
  const leave = new AbortController();
  let current: Fetch | undefined;
  let ahead: Fetch | undefined;
  const room = frameRoom();
  let last: Uint8Array | undefined;
  const unpack = (stored: Uint8Array) => {
    if (last) freeSpent(last);
    last = unpackBlock(stored, room);
    return last;
  };
  let [buffer, spare] = [new Uint8Array(REQUEST_MAX_BYTES), new Uint8Array(REQUEST_MAX_BYTES)];
  const fetchNext = (after: Promise<void>): Fetch | undefined => {
    const run = left.shift();
    if (!run || leave.signal.aborted) return undefined;
    [buffer, spare] = [spare, buffer];
    const bytes = buffer.subarray(0, run.end_bytes - run.start_bytes);
    const filled = after.then(async () => {
      if (!leave.signal.aborted) await readInto(file.source, run.start_bytes, bytes, leave.signal);
    });
    // Awaited when its turn comes; until then a failure must not count as nobody's.
    filled.catch(() => undefined);
    return { ...run, bytes, filled };
  };
  return {
    read: async (block) => {
      await file.lookUp([Math.floor(block / GROUP_BLOCKS)]);
      const { start_bytes, end_bytes } = file.placeOf(block);
      while (((ahead ?? left[0])?.start_bytes ?? end_bytes) <= start_bytes) {
        current = ahead ?? fetchNext(Promise.resolve());
        ahead = fetchNext(current?.filled ?? Promise.resolve());
      }
      if (!current || start_bytes < current.start_bytes || end_bytes > current.end_bytes)
        return unpack(await readRange(file.source, start_bytes, end_bytes));
      await current.filled;
      return unpack(
        current.bytes.subarray(start_bytes - current.start_bytes, end_bytes - current.start_bytes),
      );
    },
    stop: () => leave.abort(),
  };
}

/**
 * Blocks out of the pieces of a full bundle; the last piece is kept, because its blocks are asked for one after the other.
 *
 * @param readPiece the bytes of the slot that a piece yields, PIECE_TARGET_BYTES but for the last; valid until the next call
 */
export function supplyFromPieces(readPiece: (number: number) => Promise<Uint8Array>): BlockSupply {
  let last: { number: number; bytes: Uint8Array } | undefined;
  return {
    read: async (block) => {
      const at_bytes = block * BLOCK_BYTES;
      const number = Math.floor(at_bytes / PIECE_TARGET_BYTES);
      if (last?.number !== number) last = { number, bytes: await readPiece(number) };
      const start_bytes = at_bytes - number * PIECE_TARGET_BYTES;
      const found = last.bytes.subarray(start_bytes, start_bytes + BLOCK_BYTES);
      return found.length === BLOCK_BYTES ? found : undefined;
    },
    stop: () => {
      last = undefined;
    },
  };
}
