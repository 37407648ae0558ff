/** Limits of rollouts, each with its reason. */

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** A query that a person can still read; longer lists belong into a tag. */
export const QUERY_MAX_CHARS = 4096;
/** Nesting of a query. Far below what the stack of a reader holds, far above what a person writes. */
export const QUERY_DEPTH_MAX = 32;

/** Stages of one rollout: people watch each of them. */
export const STAGES_MAX = 20;
/** Versions that one rollout may have to pass through. */
export const FLOORS_MAX = 50;
/** No fleet is larger; a typing error in a count is. */
export const COUNT_MAX = 1_000_000;

/**
 * Orders that one appliance gets in one rollout without anybody asking: after that many that it never fetched it is left behind,
 * so that a box with a flapping link can't keep a rollout open.
 */
export const UNHEARD_ORDERS_MAX = 3;

/** Longest of every time span in a definition. */
export const SPAN_MAX_MS = 366 * DAY_MS;
/** The shortest deadline of an order: a full bundle over a slow line and three boots take that long. */
export const ORDER_DEADLINE_MIN_MS = 10 * MINUTE_MS;

/** What a definition leaves out. Stages and brake are the usual ones of the field: 5, 25, 100 per cent, stop at 10 per cent. */
export const DEFAULT_STAGES = [{ percent: 5 }, { percent: 25 }, { percent: 100 }] as const;
export const DEFAULT_SOAK_MS = DAY_MS;
export const DEFAULT_ERRORS_MAX_PERCENT = 10;
export const DEFAULT_SUCCESS_MIN_PERCENT = 90;
export const DEFAULT_PARALLEL_MAX = 100;
export const DEFAULT_ORDER_DEADLINE_MS = DAY_MS;
/** Long enough that every window of a week has opened once. */
export const DEFAULT_STAGE_DEADLINE_MS = 8 * DAY_MS;
