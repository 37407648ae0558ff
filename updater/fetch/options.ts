import { type Clock, systemClock } from './clock.ts';
import { RATE_MIN_BYTES_PER_S, RATE_WINDOW_MS, STALL_TIMEOUT_MS } from './limits.ts';
import { TransferMeter } from './meter.ts';

/** What happened before a try is made again; for those who show progress. */
export interface Retry {
  /** The mirror that failed, without credentials and query. */
  url: string;
  /** Failures in a row that may pass, a mirror that is dropped not counted; starts anew after progress. */
  attempt: number;
  /** Code and message of the failure. */
  reason: string;
  /** Until the next try, which may go to another mirror. */
  delay_ms: number;
}

export interface FetchOptions {
  /** Hosts that a redirect may lead to, beside that of the mirror: `name`, or `name:port` for a port of its own. */
  allow_redirect_hosts?: readonly string[];
  /** Certificates that are trusted instead of the system's, in PEM. */
  ca_pem?: string;
  /** Ends everything at once with FETCH_ABORTED. */
  signal?: AbortSignal;
  /** Bytes a second; no limit when absent. */
  limit_bytes_per_s?: number;
  /** Bytes over the life of the source; no cap when absent. */
  max_bytes?: number;
  /** Shared by several sources; limit and cap are then those of the meter. */
  meter?: TransferMeter;
  /** Failures in a row, without progress, after which it is given up; for ever when absent. */
  attempts_max?: number;
  /** Time without progress after which no further try is made; for ever when absent. */
  retry_for_ms?: number;
  /** Moment on the clock after which no further try is made, whatever was achieved before; never when absent. */
  give_up_at_ms?: number;
  onRetry?: (retry: Retry) => void;
  /** Without a byte for this long a connection counts as broken. Default STALL_TIMEOUT_MS. */
  stall_timeout_ms?: number;
  /** Over this time of waiting for bytes the rate must be reached. Default RATE_WINDOW_MS. */
  rate_window_ms?: number;
  /** Default RATE_MIN_BYTES_PER_S. */
  rate_min_bytes_per_s?: number;
  clock?: Clock;
  /** 0 to 1, for the jitter of the back-off. */
  random?: () => number;
}

/** Options with their defaults. */
export type FetchSettings = ReturnType<typeof settingsOf>;

export function settingsOf(options: FetchOptions) {
  return {
    hosts: options.allow_redirect_hosts ?? [],
    meter: options.meter ?? new TransferMeter(options),
    attempts_max: options.attempts_max ?? Number.POSITIVE_INFINITY,
    retry_for_ms: options.retry_for_ms ?? Number.POSITIVE_INFINITY,
    give_up_at_ms: options.give_up_at_ms ?? Number.POSITIVE_INFINITY,
    onRetry: options.onRetry,
    stall_timeout_ms: options.stall_timeout_ms ?? STALL_TIMEOUT_MS,
    rate_window_ms: options.rate_window_ms ?? RATE_WINDOW_MS,
    rate_min_bytes_per_s: options.rate_min_bytes_per_s ?? RATE_MIN_BYTES_PER_S,
    clock: options.clock ?? systemClock,
    random: options.random ?? Math.random,
  };
}
