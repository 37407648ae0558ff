/** Limits of the fingerprint, each with its reason. */

/**
 * How often addresses, cables and routes are looked at: the kernel tells nobody about them through a file, and a look costs
 * a dozen small reads.
 */
export const LOOK_MS = 1_500;

/** A change is told once nothing more has changed for this long: a cable that comes back brings link, address and route one by one. */
export const QUIET_MS = 1_200;

/** But at the latest this long after it was first seen, so that with LOOK_MS it is told within five seconds. */
export const UNTOLD_MAX_MS = 3_000;

/** The program has some 110 MB: it is hashed in steps of this size, and others have their turn in between. */
export const HASH_STEP_BYTES = 1024 * 1024;
