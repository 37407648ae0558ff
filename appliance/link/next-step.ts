import { backoff_ms } from '../../updater/fetch/backoff.ts';
import { PAUSE_JITTER_SHARE } from './limits.ts';

/** Where the conversation stands. Times by the steady clock. */
export interface Standing {
  now_ms: number;
  enrolled: boolean;
  /** Nothing is sent before: a pause that was asked for, or that failures call for. */
  not_before_ms: number;
  heartbeat_due_ms: number;
  /** Something waits for delivery. */
  waiting: boolean;
  /** Another part has asked something. */
  asked: boolean;
}

export type Step = { act: 'enrol' | 'heartbeat' | 'deliver' | 'inquire' } | { act: 'wait'; for_ms: number };

/**
 * What to do next; one thing at a time, so that requests arrive in the order of their numbers. A heartbeat that is due goes before a
 * long queue: orders come with it.
 */
export function nextStep({
  now_ms,
  enrolled,
  not_before_ms,
  heartbeat_due_ms,
  waiting,
  asked,
}: Standing): Step {
  if (now_ms < not_before_ms) return { act: 'wait', for_ms: not_before_ms - now_ms };
  if (!enrolled) return { act: 'enrol' };
  if (now_ms >= heartbeat_due_ms) return { act: 'heartbeat' };
  if (waiting) return { act: 'deliver' };
  if (asked) return { act: 'inquire' };
  return { act: 'wait', for_ms: heartbeat_due_ms - now_ms };
}

/**
 * Milliseconds until the next try: what was asked for and some more by chance, or else longer with each failure (full jitter).
 *
 * @param asked_ms 0: nothing was asked for @param random from 0 to 1
 */
export function pause_ms(asked_ms: number, failures: number, random: number): number {
  if (asked_ms > 0) return asked_ms * (1 + PAUSE_JITTER_SHARE * random);
  return backoff_ms(failures, random);
}
