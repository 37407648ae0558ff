import { SUBSET_SAMPLE, SUBSET_WRITES_MAX } from './limits.ts';

/**
 * Which of the unflushed writes a disk may have kept when the power went: any of them, whatever their order. Yields the ways that are new
 * with the last write, so that over all prefixes of a log each is yielded once.
 *
 * @param writes how many there are, the last one included
 * @param forced they asked to be on the medium at once (FUA) and cannot be lost
 * @param random from 0 up to, not including, 1
 */
export function* keptSubsets(
  writes: number,
  forced: ReadonlySet<number>,
  random: () => number,
): Generator<(write: number) => boolean> {
  const last = writes - 1;
  const earlier = Array.from({ length: last }, (_, write) => write).filter((write) => !forced.has(write));
  const lastIsFree = !forced.has(last);
  const kept = (isKept: (write: number) => boolean) => (write: number) => forced.has(write) || isKept(write);
  if (earlier.length + (lastIsFree ? 1 : 0) <= SUBSET_WRITES_MAX) {
    // The one with all of them is the prefix itself, and those without the last write were judged with the write before it.
    for (let subset = 0; subset < 2 ** earlier.length - 1; subset += 1) {
      const chosen = new Set(earlier.filter((_, at) => ((subset >> at) & 1) === 1));
      yield kept((write) => write === last || chosen.has(write));
    }
    return;
  }
  yield kept((write) => write === last);
  for (const dropped of earlier) yield kept((write) => write !== dropped);
  for (let sample = 0; sample < SUBSET_SAMPLE; sample += 1) {
    const chosen = new Set(earlier.filter(() => random() < 0.5));
    yield kept((write) => write === last || chosen.has(write));
  }
}
