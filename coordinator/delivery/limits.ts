/** Limits of delivery, each with its reason. */

/** How often the queue is looked at: with the look for alarms before it, a fact is delivered within seconds. */
export const COURIER_INTERVAL_MS = 1_000;

/** A receiver that does not answer holds the others up for this long at most. */
export const SEND_TIMEOUT_MS = 8_000;

/** Whoever takes a message has it for this long; then it is taken for lost and another one sends it. More than one time-out. */
export const CLAIM_MS = 20_000;

/** Pause after the first failure; it doubles up to the longest. */
export const RETRY_FIRST_MS = 2_000;
export const RETRY_MAX_MS = 10 * 60 * 1000;

/** A message that could not be delivered for a day is no news any more: it becomes a dead letter. */
export const DELIVERY_LIFE_MS = 24 * 60 * 60 * 1000;

/** Failures in a row after which a channel is an alarm of its own: about half a minute. */
export const FAILURES_MAX = 4;

/** Alarms that one message names; the rest is a number. A person reads no more, and a Matrix event has 64 KiB. */
export const NOTICE_ALARMS_MAX = 20;

/** Channels: a team has a few. Each is asked about with every look at the queue. */
export const CHANNELS_MAX = 50;

/** Messages of one channel in one look at the queue; others have their turn. */
export const MESSAGES_PER_TURN = 20;

/** Characters of a receiver's answer that are kept to tell why. */
export const ANSWER_SHOWN_MAX = 300;

/** How long what was delivered is kept, and what was not. */
export const DELIVERED_KEPT_MS = 7 * 24 * 60 * 60 * 1000;
export const DEAD_KEPT_MS = 90 * 24 * 60 * 60 * 1000;
