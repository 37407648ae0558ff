import { QUIET_MS, UNTOLD_MAX_MS } from './limits.ts';

/** A change that has been seen and not told, in milliseconds of one clock. */
export interface Unsettled {
  /** When the machine first looked otherwise than what was told. */
  first_ms: number;
  /** When it last looked otherwise than the moment before. */
  last_ms: number;
}

/** When it is told: after QUIET_MS without a further change, and UNTOLD_MAX_MS after the first at the latest. Pure. */
export function dueAt({ first_ms, last_ms }: Unsettled): number {
  return Math.min(last_ms + QUIET_MS, first_ms + UNTOLD_MAX_MS);
}
