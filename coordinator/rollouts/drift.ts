import type { Release } from './policy.ts';
import { compareVersions, type Version } from './version.ts';

/** How far the release that runs is from the one that should. */
export type Drift =
  | { state: 'up_to_date' }
  /** So many releases of the catalogue away, the desired one included. */
  | { state: 'behind'; releases: number }
  /** So many releases of the catalogue further, the running one included. */
  | { state: 'ahead'; releases: number }
  /** It reports no version, or one that was never a release here. */
  | { state: 'unknown' }
  /** Nobody has decided what it should run. */
  | { state: 'no_deployment' };

/**
 * Two builds of equal precedence (`1.2.0+a`, `1.2.0+b`) are two releases; the appliance is behind by the one it should run.
 *
 * @param releases the catalogue, of every channel, withdrawn ones included
 */
export function driftOf(
  running: Version | null,
  desired: Version | null,
  releases: readonly Release[],
): Drift {
  if (desired === null) return { state: 'no_deployment' };
  if (running === desired) return { state: 'up_to_date' };
  const versions = new Set(releases.map((release) => release.version));
  if (running === null || !versions.has(running)) return { state: 'unknown' };
  const ahead = compareVersions(running, desired) > 0;
  const [low, high] = ahead ? [desired, running] : [running, desired];
  const between = [...versions].filter(
    (version) => version !== high && compareVersions(version, low) > 0 && compareVersions(version, high) < 0,
  );
  return { state: ahead ? 'ahead' : 'behind', releases: between.length + 1 };
}

/** How many appliances of a fleet are in which state. */
export function driftOfFleet(drifts: Iterable<Drift>): Record<Drift['state'], number> {
  const counts = { up_to_date: 0, behind: 0, ahead: 0, unknown: 0, no_deployment: 0 };
  for (const { state } of drifts) counts[state] += 1;
  return counts;
}
