/** Limits of carrying rollouts out, each with its reason. */

/** How often rollouts are looked at: an operator who pauses sees it happen; a plan of a large fleet takes less. */
export const PLAN_INTERVAL_MS = 2_000;

/** A coordinator that was killed holds the others up no longer than this; many times as long as a look at all rollouts takes. */
export const PLAN_LEASE_MS = 30_000;

/** Members in one statement: few enough values for both databases, and enough that the number of statements does not count. */
export const MEMBERS_PER_STATEMENT = 500;

/** Rollouts that have not ended: people watch them. */
export const ROLLOUTS_OPEN_MAX = 100;

/**
 * A rollout of which nothing has been written is looked at all the same so often: the clock opens windows, ends stages, and makes
 * silent appliances of those that are not heard. None of it is decided by the second.
 */
export const QUIET_MAX_MS = 30_000;

/** Older than the first look is what a transaction may still bring that was begun before it, at a coordinator whose clock is behind. */
export const MARK_MARGIN_MS = 60_000;

/** Appliances that are read at once: a few milliseconds, after which heartbeats have their turn. */
export const FLEET_SLICE = 1_000;
