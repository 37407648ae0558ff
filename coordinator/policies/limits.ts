/** Limits of policies, each with its reason. */

/** Rules are tried in their order for every appliance whenever a rollout is planned; people read them as one list. */
export const POLICIES_MAX = 50;

/**
 * How often a channel whose automatic rollout is over is looked through for appliances that came too late for it. A new box that waits some
 * minutes longer for its update does not mind; reading a whole fleet does cost.
 */
export const NEWCOMERS_INTERVAL_MS = 5 * 60_000;
