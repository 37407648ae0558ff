import { BLOCK_BYTES } from '../../partitions/slot-blob.ts';
import { PIECE_TARGET_BYTES } from '../limits.ts';
import { type ByteSource, readRange } from '../source.ts';
import type { ByteRun } from './runs.ts';

/** Where blocks come from that the base does not have. What they hold is verified by whoever takes them. */
export interface BlockSupply {
  /** One block of the target. Those of the plan are asked for in ascending order, others whenever they are needed. */
  read(block: number): Promise<Uint8Array>;
  /** Nothing more is fetched ahead. */
  stop(): void;
}

/** A run on its way, or there. */
interface Fetch extends ByteRun {
  bytes: Promise<Uint8Array>;
}

/**
 * Blocks out of a file that is the raw data area, by range. While one run is taken apart the next is on its way, so two
 * are in memory and one request is open. A block that is in neither is fetched alone.
 *
 * @param runs of the plan
 * @param from_bytes what lies before it will not be asked for
 */
export function supplyFromFile(
  source: ByteSource,
  runs: readonly ByteRun[],
  from_bytes: number,
): BlockSupply {
  const left = runs.flatMap(({ start_bytes, end_bytes }) =>
    end_bytes > from_bytes ? [{ start_bytes: Math.max(start_bytes, from_bytes), end_bytes }] : [],
  );
  let stopped = false;
  let current: Fetch | undefined;
  let ahead: Fetch | undefined;
  const fetchNext = (after: Promise<unknown>): Fetch | undefined => {
    const run = left.shift();
    if (!run) return undefined;
    const bytes = after.then(() => fetchRun(source, run, () => stopped));
    // Awaited when its turn comes; until then a failure must not count as nobody's.
    bytes.catch(() => undefined);
    return { ...run, bytes };
  };
  return {
    read: async (block) => {
      const start_bytes = block * BLOCK_BYTES;
      const end_bytes = start_bytes + BLOCK_BYTES;
      while (((ahead ?? left[0])?.start_bytes ?? end_bytes) <= start_bytes) {
        current = ahead ?? fetchNext(Promise.resolve());
        ahead = fetchNext(current?.bytes ?? Promise.resolve());
      }
      if (!current || start_bytes < current.start_bytes || end_bytes > current.end_bytes)
        return readRange(source, start_bytes, end_bytes);
      const bytes = await current.bytes;
      return bytes.subarray(start_bytes - current.start_bytes, end_bytes - current.start_bytes);
    },
    stop: () => {
      stopped = true;
    },
  };
}

async function fetchRun(
  source: ByteSource,
  { start_bytes, end_bytes }: ByteRun,
  stopped: () => boolean,
): Promise<Uint8Array> {
  const bytes = new Uint8Array(end_bytes - start_bytes);
  let filled_bytes = 0;
  if (stopped()) return bytes;
  for await (const part of source.read(start_bytes, end_bytes)) {
    if (stopped()) break;
    bytes.set(part, filled_bytes);
    filled_bytes += part.length;
  }
  return bytes;
}

/**
 * Blocks out of the pieces of a full bundle; the last piece is kept, because its blocks are asked for one after the other.
 *
 * @param readPiece the bytes of the slot that a piece yields, PIECE_TARGET_BYTES but for the last
 */
export function supplyFromPieces(readPiece: (number: number) => Promise<Uint8Array>): BlockSupply {
  let last: { number: number; bytes: Uint8Array } | undefined;
  return {
    read: async (block) => {
      const at_bytes = block * BLOCK_BYTES;
      const number = Math.floor(at_bytes / PIECE_TARGET_BYTES);
      if (last?.number !== number) last = { number, bytes: await readPiece(number) };
      const start_bytes = at_bytes - number * PIECE_TARGET_BYTES;
      return last.bytes.subarray(start_bytes, start_bytes + BLOCK_BYTES);
    },
    stop: () => {
      last = undefined;
    },
  };
}
