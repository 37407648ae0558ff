/** Limits of rollouts, each with its reason. */

/** A query that a person can still read; longer lists belong into a tag. */
export const QUERY_MAX_CHARS = 4096;
/** Nesting of a query. Far below what the stack of a reader holds, far above what a person writes. */
export const QUERY_DEPTH_MAX = 32;
