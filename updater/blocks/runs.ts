import { REQUEST_GAP_MAX_BYTES, REQUEST_MAX_BYTES } from './limits.ts';

/** A stretch of bytes; `end_bytes` is not included. */
export interface ByteRun {
  start_bytes: number;
  end_bytes: number;
}

/**
 * Joins stretches into as few requests as it pays: over gaps of at most REQUEST_GAP_MAX_BYTES, up to REQUEST_MAX_BYTES.
 *
 * @param stretches ascending, apart from each other, none longer than REQUEST_MAX_BYTES
 */
export function joinRuns(stretches: Iterable<ByteRun>): ByteRun[] {
  const runs: ByteRun[] = [];
  for (const { start_bytes, end_bytes } of stretches) {
    const last = runs.at(-1);
    const joins =
      last !== undefined &&
      start_bytes - last.end_bytes <= REQUEST_GAP_MAX_BYTES &&
      end_bytes - last.start_bytes <= REQUEST_MAX_BYTES;
    if (joins) last.end_bytes = end_bytes;
    else runs.push({ start_bytes, end_bytes });
  }
  return runs;
}

export function sumRuns(runs: readonly ByteRun[]): number {
  return runs.reduce((sum_bytes, { start_bytes, end_bytes }) => sum_bytes + end_bytes - start_bytes, 0);
}
