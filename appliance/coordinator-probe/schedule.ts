import { JITTER_SHARE, POLL_INTERVAL_MAX_MS, POLL_INTERVAL_MIN_MS, RETRY_INTERVAL_MAX_MS } from './limits.ts';

/**
 * Milliseconds until the next probe. The poll interval while the coordinator answers; after failures twice as long each
 * time up to RETRY_INTERVAL_MAX_MS, and never "no more". Pure.
 *
 * @param failures  failed probes in a row, 0 after a success
 * @param random    0 (inclusive) to 1 (exclusive), spreads the result by JITTER_SHARE to both sides
 */
export function nextProbeDelay(interval_ms: number, failures: number, random: number): number {
  const base_ms = Math.min(POLL_INTERVAL_MAX_MS, Math.max(POLL_INTERVAL_MIN_MS, interval_ms));
  // The first failure is retried at the usual pace; the exponent is capped so that years of failures cannot overflow.
  const slowed_ms = base_ms * 2 ** Math.min(20, Math.max(0, failures - 1));
  const wait_ms = Math.min(slowed_ms, Math.max(base_ms, RETRY_INTERVAL_MAX_MS));
  return Math.round(wait_ms * (1 - JITTER_SHARE + 2 * JITTER_SHARE * random));
}
