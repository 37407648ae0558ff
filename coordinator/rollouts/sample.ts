import type { StageSize } from './definition.ts';

/**
 * The place of an appliance in the line of a rollout, 0 to 1: the first 48 bits of SHA-256 of both ids, so the same on every machine and
 * in every version of this program, and another order in every rollout.
 */
export function placeInLine(rollout: string, appliance: string): number {
  const digest = new Bun.CryptoHasher('sha256').update(`${rollout}\n${appliance}`).digest();
  return digest.readUIntBE(0, 6) / 2 ** 48;
}

/** In the order of the line. A stage takes from the front, so the smaller stage is always a part of the larger one. */
export function standInLine(rollout: string, appliances: Iterable<string>): string[] {
  return [...appliances]
    .map((id) => ({ id, place: placeInLine(rollout, id) }))
    .sort((a, b) => a.place - b.place || (a.id < b.id ? -1 : 1))
    .map(({ id }) => id);
}

/** The first so many of the line, in its order; of a large fleet without putting all of it in line. */
export function firstInLine(rollout: string, appliances: readonly string[], count: number): string[] {
  if (count <= 0) return [];
  if (count >= appliances.length) return standInLine(rollout, appliances);
  const places = Float64Array.from(appliances, (id) => placeInLine(rollout, id));
  const last = places.toSorted()[count - 1] ?? 1;
  const front = appliances.filter((_, index) => (places[index] ?? 1) <= last);
  return standInLine(rollout, front).slice(0, count);
}

/**
 * Appliances that have had a seat when the stage is full: its own and those of all stages before. Rounded up, so that one per cent of
 * twenty is one and not nobody.
 */
export function seatsOf(stages: readonly StageSize[], stage: number, cohort: number): number {
  const sizes = stages
    .slice(0, stage + 1)
    .map((size) => ('percent' in size ? Math.ceil((cohort * size.percent) / 100) : size.count));
  return Math.min(cohort, Math.max(0, ...sizes));
}
