/** Limits of the sensor SDK, each with its reason. */

/** Events that wait for the appliance: seven checks every five minutes for a week are 14,000. */
export const QUEUE_MAX_EVENTS = 20_000;

/** The same in bytes of events: on a workstation nobody misses this much. */
export const QUEUE_MAX_BYTES = 16 * 1024 * 1024;

/** One event: far below the 4 MB of a message, far above what a check says. */
export const EVENT_MAX_BYTES = 64 * 1024;

/** Text of `expected` and `actual` of one event; what is longer is cut, and says so. */
export const TEXT_MAX_CHARACTERS = 4_000;

/** Another process may hold the file for a moment: the program before, which is just being ended. */
export const STORE_BUSY_TIMEOUT_MS = 5_000;

/** Commands that were carried out and told are remembered up to this many: far more than an appliance hands out twice. */
export const JOURNAL_MAX_COMMANDS = 2_000;

/** What a command printed and goes back with its result, in characters. */
export const OUTPUT_MAX_CHARACTERS = 4_000;

/** A check that changes more often than this within the window flaps: a service that is restarted thrice is not yet one. */
export const FLAP_CHANGES_MAX = 6;

/** The window of the flap filter. Without a change for this long, a check flaps no more. */
export const FLAP_WINDOW_S = 1_800;

/** Readings of one check that are counted for what is told of a flapping one. */
export const FLAP_READINGS_MAX = 1_000;

/** Between two heartbeats: two may be lost before the appliance calls a sensor silent (120 s). */
export const HEARTBEAT_INTERVAL_MS = 45_000;

/** Share of an interval that is added or taken away by chance, so that a site that was switched on at once does not speak at once. */
export const INTERVAL_JITTER_SHARE = 0.2;

/** One request from the first packet to the last; the appliance is in the same building. */
export const CALL_TIMEOUT_MS = 20_000;

/** Events that are under way at once: one round trip then carries enough, and little is sent twice when the connection breaks. */
export const EVENTS_UNDER_WAY_MAX = 100;

/** An event without an acknowledgement for this long: the connection is made anew. The appliance answers behind its disk. */
export const ACK_TIMEOUT_MS = 60_000;

/** Streams that the appliance refuses at one event as malformed before that event is given up. */
export const REFUSALS_MAX = 5;

/** First step of the back-off; doubled with every failure and drawn at random below it (full jitter). */
export const BACKOFF_FIRST_MS = 1_000;

/** A hundred sensors that lost their appliance come back within two minutes, one or two a second. */
export const BACKOFF_MAX_MS = 120_000;

/** Asked again this seldom where only a person changes the answer: refused, revoked, a wrong code. */
export const REFUSED_RETRY_MS = 15 * 60_000;

/** Somebody is being asked to let this sensor in; whoever does wants to see it happen. */
export const WAITING_RETRY_MS = 15_000;

/** Certificates are renewed from this long before their end: the appliance gives out none before. */
export const RENEW_BEFORE_MS = 30 * 24 * 60 * 60_000;

/** The largest message of the protocol (4 MB). */
export const MESSAGE_MAX_BYTES = 4 * 1024 * 1024;

/** What is under way when the sensor is ended is waited for this long; the rest is sent when it runs again. */
export const FAREWELL_MS = 3_000;

/** Bounds of the interval between checks (protocol: 60 to 3600 s, 300 where nothing is said). */
export const CHECK_INTERVAL_S = { min: 60, max: 3_600, default: 300 } as const;

/** After a command was carried out its check is looked at again: a service needs a moment to stand. */
export const LOOK_AGAIN_MS = 2_000;

/** Key, certificates and settings of one sensor are a few kilobytes. */
export const IDENTITY_FILE_MAX_BYTES = 256 * 1024;
