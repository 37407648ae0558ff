/** Limits of carrying rollouts out, each with its reason. */

/** How often rollouts are looked at: an operator who pauses sees it happen; a plan of a large fleet takes less. */
export const PLAN_INTERVAL_MS = 2_000;

/** A coordinator that was killed holds the others up no longer than this; many times as long as a look at all rollouts takes. */
export const PLAN_LEASE_MS = 30_000;

/** Members in one statement: few enough values for both databases, and enough that the number of statements does not count. */
export const MEMBERS_PER_STATEMENT = 500;

/** Rollouts that have not ended: people watch them. */
export const ROLLOUTS_OPEN_MAX = 100;
