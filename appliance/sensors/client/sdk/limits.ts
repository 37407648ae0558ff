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
