/** Limits of the site's service, each with its reason. */

/** A question over the control socket is answered from memory or by one look into the database; an export streams and is not cut by this. */
export const CONTROL_TIMEOUT_MS = 15_000;

/** What a form of the status page or a command hands in; a rule set is the largest. */
export const CONTROL_BODY_MAX_BYTES = 1024 * 1024;

/** An answer that is no stream: the list of 500 sensors has 200 kB. */
export const CONTROL_ANSWER_MAX_BYTES = 16 * 1024 * 1024;

/** Everything is closed by then, or the process ends without it. The unit's TimeoutStopSec is longer. */
export const SITE_SHUTDOWN_MS = 8_000;

/** The page of the site asks this long for its answers, all together; what takes longer has a problem, which the page tells. */
export const PAGE_ASK_TIMEOUT_MS = 5_000;

/** Open findings in the JSON of the page: as many as a person reads, and more; the command line has all. */
export const PAGE_FINDINGS_MAX = 200;

/** Events and healings in the JSON of the page. */
export const PAGE_LATEST_MAX = 50;

/** How old the line about sensors on the console may be; after an attempt to use its code it is asked for at once. */
export const CONSOLE_ASK_INTERVAL_MS = 10_000;

/** Memory is handed back to the kernel this long after start, when the first look at the controls and everything that only starting needs is garbage. */
export const FIRST_COLLECTION_MS = 30_000;
