import { ROOT_SIGHT_MAX_AGE_S } from '../limits.ts';
import type { RootSight } from '../look/root-sight.ts';
import type { Sight } from '../look/sight.ts';
import { type Measured, unknown } from './measured.ts';

/** Whole seconds since an instant; null where it is none, or lies ahead by more than a minute: then a clock was set. */
export function age_s(sight: Pick<Sight, 'at_ms'>, at: string): number | null {
  const then_ms = Date.parse(at);
  const age = Math.floor((sight.at_ms - then_ms) / 1000);
  return Number.isNaN(then_ms) || age < -60 ? null : Math.max(0, age);
}

/** Facts that root writes down are true for as long as root keeps looking. */
export function isFresh(sight: Pick<Sight, 'at_ms'>, at: string): boolean {
  const age = age_s(sight, at);
  return age !== null && age <= ROOT_SIGHT_MAX_AGE_S;
}

/** Measures what only root can see; unknown when root has not looked for a while. */
export function byRoot(sight: Sight, measure: (root: RootSight) => Measured): Measured {
  if (sight.root === null) return unknown('root has not looked in this boot');
  if (!isFresh(sight, sight.root.at)) return unknown('root has not looked for half an hour');
  return measure(sight.root);
}
