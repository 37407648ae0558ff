import { JITTER, OFFLINE_INTERVALS, ONLINE_INTERVALS } from '../limits.ts';

/** `never`: approved, but no message of its own has come yet. */
export const PRESENCES = ['online', 'stale', 'offline', 'never'] as const;
export type Presence = (typeof PRESENCES)[number];

/**
 * Whether a device is there: from its own last signed message and the interval it was given, and from nothing else.
 *
 * @param heard_ms when its last message came; null: none came
 * @param interval_s what it was told with that message
 */
export function presenceOf(
  { heard_ms, interval_s }: { heard_ms: number | null; interval_s: number },
  now_ms: number,
): Presence {
  if (heard_ms === null) return 'never';
  const age_s = (now_ms - heard_ms) / 1000;
  if (age_s <= interval_s * ONLINE_INTERVALS) return 'online';
  return age_s < interval_s * OFFLINE_INTERVALS ? 'stale' : 'offline';
}

/** When a device is to send its next heartbeat. @param chance from 0 to 1 */
export function nextHeartbeat_s(interval_s: number, chance: number): number {
  return Math.round(interval_s * (1 + JITTER * (2 * chance - 1)) * 10) / 10;
}
