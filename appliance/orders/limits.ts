/** Limits of the orders on an appliance, each with its reason. */

/** Characters of the log of one order: half of what the coordinator takes (ORDER_LOG_MAX there), and 2 % of the outbox. */
export const LOG_MAX = 256 * 1024;

/** Orders that are kept for a person to look at after they have ended: a month of one a few hours. */
export const BOOK_KEEP = 200;

/**
 * Orders in the book, those that were refused included. An order stays until its envelope has expired, so that it is not done again when
 * somebody repeats the envelope; a coordinator has at most 50 open ones for an appliance.
 */
export const BOOK_MAX = 2_000;

/** `bulkhead orders` may be reading the book. */
export const BOOK_BUSY_TIMEOUT_MS = 2_000;

/** Orders that only look at the machine, at once: each may start a program, and the agent has 256 MB. */
export const JOBS_MAX = 2;

/** How often it is looked what became of what root was asked for. Files tell it earlier; reading them costs a millisecond. */
export const LOOK_MS = 2_000;

/** What was asked of root is in some record from the first moment on. Where none has it for so long, it was never asked or is lost. */
export const LOST_AFTER_MS = 60_000;

/** A program that answers a question; the longest is a look through a whole journal. */
export const QUESTION_TIMEOUT_MS = 60_000;

/** Lines of the kernel's log in a diagnosis: two boots of a T640. */
export const KERNEL_LOG_LINES = 2_000;

/** Rounds of planning without a pause. Every order changes its state at most five times; more is a mistake in the planner. */
export const ROUNDS_MAX = 1_000;

/** Orders that `bulkhead orders` shows. */
export const ORDERS_SHOWN = 50;

/** How often it is asked whether a healing that was ordered is over; one takes seconds here and minutes on a sensor. */
export const HEALING_LOOK_MS = 2_000;

/** A set of rules in its envelope (ENVELOPE_MAX_BYTES), with what the coordinator says around it. */
export const RULES_ANSWER_MAX_BYTES = 160 * 1024;
export const RULES_TIMEOUT_MS = 30_000;
