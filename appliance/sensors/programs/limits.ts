/** Limits of the programs that sensors are offered, each with its reason. */

/** Of each platform: the newest, and the one before, which a sensor may be in the middle of fetching. */
export const VERSIONS_KEPT = 2;

/** What stays free on the data partition, as it does when the place of a service is made (STORE_LEAVES_BYTES). */
export const PROGRAMS_LEAVE_BYTES = 256 * 1024 * 1024;

/** Copied in pieces of this: a program of 100 MB does not come into memory. */
export const COPY_BYTES = 1024 * 1024;

/** The folder is looked at again after this: five hundred sensors ask eight times a second. */
export const LOOK_EVERY_MS = 2_000;

/**
 * Sensors that are offered a program at a time. Each fetches 100 MB, so a whole site at once would keep its network busy for minutes; and a
 * release that does not work is met by this many, not by all.
 */
export const OFFERS_AT_ONCE = 8;

/** For how long one of them keeps others waiting: a fetch over a slow line, and the trial of five minutes. */
export const OFFER_TURN_MS = 10 * 60_000;

/** Fetches of one address that may begin at once, one for each time a connection broke; and what comes back per second. */
export const FETCH_BURST = 30;
export const FETCH_REFILL_PER_S = 0.5;
/** Addresses whose fetches are remembered. */
export const FETCHERS_REMEMBERED_MAX = 10_000;
