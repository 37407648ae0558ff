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

/** Idle connections are kept for the next range, but a source that rests does not hold a server's sockets. */
export const IDLE_CONNECTION_MS = 20_000;
/** One mirror, one redirect target, and one of each to spare. */
export const IDLE_CONNECTIONS_MAX = 4;

/** Of a body wait for their reader at most this and what the socket hands over at once (512 KiB were measured). */
export const BODY_QUEUE_BYTES = 256 * KIB;
/** Names, dates and a signed address; a longer head is none of a file server. */
export const HEAD_MAX_BYTES = 16 * KIB;
/** Early hints and the like before the answer proper; nobody sends more than one or two. */
export const INTERIM_ANSWERS_MAX = 16;
