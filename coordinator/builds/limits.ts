/** Limits of builds, each with its reason. */

/** A worker that is not heard for this long has lost its job; it asks three times as often, so that one lost answer is nothing. */
export const JOB_LEASE_MS = 60_000;

/** Times that a job is begun when workers are lost in the middle of it. A build that fails by itself is not repeated. */
export const JOB_ATTEMPTS_MAX = 3;

/** Time a build may take unless its project says otherwise; an image is built in minutes. */
export const JOB_TIMEOUT_S = 60 * 60;
export const JOB_TIMEOUT_MAX_S = 24 * 60 * 60;

/** Queued for longer than this: no worker is there, or all of them hang. */
export const JOB_WAIT_MAX_MS = 15 * 60 * 1000;

/** A worker ends a build at its time-out; this much later it is stuck. */
export const JOB_OVERTIME_MS = 10 * 60 * 1000;

/** Jobs that have not ended, of all projects: more are a push that begets pushes. */
export const JOBS_OPEN_MAX = 500;

/** All of a log, in characters; the worker says that the rest was cut. And one piece of it. */
export const JOB_LOG_MAX = 4 * 1024 * 1024;
export const JOB_LOG_PIECE_MAX = 32 * 1024;

/** Projects, and what one says about its refs. */
export const PROJECTS_MAX = 200;
export const RULES_MAX = 20;
export const COMMAND_MAX = 4_000;

/** Times that a job is asked for again when another worker took the one that was found. */
export const CLAIM_TRIES = 5;
