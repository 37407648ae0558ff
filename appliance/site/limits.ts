/** Limits of the site's service, each with its reason. */

/** A question over the control socket is answered from memory or by one look into the database; an export streams and is not cut by this. */
export const CONTROL_TIMEOUT_MS = 15_000;

/** What a form of the status page or a command hands in; a rule set is the largest. */
export const CONTROL_BODY_MAX_BYTES = 1024 * 1024;

/** An answer that is no stream: the list of 500 sensors has 200 kB. */
export const CONTROL_ANSWER_MAX_BYTES = 16 * 1024 * 1024;

/** Everything is closed by then, or the process ends without it. The unit's TimeoutStopSec is longer. */
export const SITE_SHUTDOWN_MS = 8_000;
