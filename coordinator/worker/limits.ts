/** Limits of workers, each with its reason. */

/** How often a worker without work asks for some: a push is noticed soon, and a hundred workers are no load. */
export const POLL_INTERVAL_MS = 3_000;

/** How often it says that it is still at a build: three times within a lease. */
export const LEASE_ASK_MS = 20_000;

/** A build that is ended may clean up for this long; then all of its processes are killed. */
export const KILL_GRACE_MS = 5_000;

/** What a process that got away still holds open is not waited for. */
export const OUTPUT_END_MS = 2_000;

/** How often the log is sent while there is any. */
export const LOG_INTERVAL_MS = 1_000;

/** Characters of one piece: with every one of them escaped it is still a body that the coordinator takes. */
export const LOG_PIECE_CHARS = 8 * 1024;

/** Pause before something is asked of a coordinator again that did not answer. */
export const ASK_AGAIN_MS = 3_000;
