import { BATCH_MAX_BYTES } from '../limits.ts';

/** Limits of fetching, each with its reason. Times in milliseconds. */

const KIB = 1024;

/** Enough for a bare host to www, to a mirror, to a signed address; more is a loop. */
export const REDIRECTS_MAX = 5;

/** Without a byte for this long a connection is dead: ten times the longest pause of a working satellite or LTE link. */
export const STALL_TIMEOUT_MS = 30_000;

/** A server that drips bytes keeps the stall timer alive for ever; over this window it must have reached the rate below. */
export const RATE_WINDOW_MS = 60_000;
/** Half of a 9600 baud modem. Slower, an update of 100 MB takes more than two days, so another mirror is better. */
export const RATE_MIN_BYTES_PER_S = 512;

/** Failures in a row on one mirror before the next one is tried: a passing fault is over by then. */
export const MIRROR_TRIES = 3;
/** A transfer that got this far before it broke counts as progress and starts the back-off anew: one block of the slot. */
export const PROGRESS_MIN_BYTES = 4 * KIB;

/** First step of the back-off; doubled with every failure and drawn at random below it (full jitter). */
export const BACKOFF_FIRST_MS = 1_000;
/** A thousand appliances that wait for a server come back at seven requests a second. */
export const BACKOFF_MAX_MS = 300_000;
/** A server may ask for a pause, but not keep a fleet away for a day. */
export const RETRY_AFTER_MAX_MS = 3_600_000;

/** What the bandwidth limit lets through at once: smooth enough for other users of the line, long enough for timers. */
export const BURST_MS = 250;

/** An answer that is announced with at most this is read as one where the line is quick: a batch of pieces, and no more. */
export const WHOLE_MAX_BYTES = BATCH_MAX_BYTES;
/** From this speed on: then the longest of them is there in four seconds, far below the stall timeout. */
export const QUICK_BYTES_PER_S = 128 * KIB;
/** Answers that tell a speed: shorter ones are over before the line has got going. */
export const QUICK_MIN_BYTES = 32 * KIB;

/** Stretches whose giver is remembered: a piece is judged when it has arrived, two are on their way at most. */
export const GIVERS_MAX = 32;
