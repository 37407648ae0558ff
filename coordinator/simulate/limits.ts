/** Limits of simulated fleets, each with its reason. */

/** As many as one process can bring up in minutes; a coordinator remembers the keys of a few more. */
export const FLEET_MAX = 100_000;

/** Enough to keep a coordinator busy from one process, below the 256 connections that Bun's fetch opens at most. */
export const REQUESTS_AT_ONCE = 64;

/** A coordinator that is overloaded answers late rather than not; who waits longer is better off asking again. */
export const REQUEST_TIMEOUT_MS = 30_000;

/** Pause after a request that nobody answered; it doubles, and is drawn by lot, so that a fleet does not come back as one. */
export const RETRY_FIRST_MS = 1_000;
export const RETRY_MAX_MS = 60_000;

/** Appliances that one enrolment code lets in; the coordinator takes no more (routes/devices.ts). */
export const CODE_USES_MAX = 10_000;
/** Bringing up the largest fleet takes minutes; the codes are taken back when the simulation ends. */
export const CODE_LIFE_MS = 24 * 60 * 60 * 1000;

/** Sensors of a simulated site: a small practice to a floor of offices. */
export const SITE_SENSORS_MIN = 3;
export const SITE_SENSORS_MAX = 40;
/** How often such a site is another one, and tells of it: as often as a real one tells at least. */
export const SITE_CHANGE_MS = 15 * 60_000;

/** What is left of a session key's time when another is asked for: a few heartbeats, of which one may be lost. */
export const SESSION_RENEW_S = 300;

/** Orders that an appliance remembers: an answer that was lost is repeated with the next heartbeats, not with the hundredth. */
export const ORDERS_REMEMBERED = 8;

/** Between two progress lines, on a screen and in a file. */
export const PROGRESS_SCREEN_MS = 1_000;
export const PROGRESS_FILE_MS = 10_000;
