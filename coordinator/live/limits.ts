/** Limits of live pages, each with its reason. */

/** How often the database is asked whether anything is new, as long as somebody looks: a person takes two seconds for "at once". */
export const PULSE_INTERVAL_MS = 2_000;

/** What only the clock changes (ages, who is still there) is shown anew this often. */
export const TICK_MS = 15_000;

/** Every stream hears something this often: proxies keep it open, and one that broke off is noticed. Far below IDLE_TIMEOUT_S. */
export const HEARTBEAT_MS = 15_000;

/** Streams of one session: a page that is not looked at has none, so this is windows side by side. */
export const SESSION_STREAMS_MAX = 8;

/** Streams at one coordinator. Each is a socket and nothing else; who comes later has pages that stand still. */
export const STREAMS_MAX = 500;

/** After this a stream ends and the browser asks for the next one: who is not signed in any more is told so then. */
export const STREAM_LIFE_MS = 10 * 60 * 1000;

/** What a browser waits before it asks anew. */
export const RETRY_MS = 3_000;

/** Messages of a few bytes that may wait for one browser; who takes none of them is cut off and comes again. */
export const BACKLOG_MAX = 8;
