/** Limits of webhooks of Git services, each with its reason. */

/** The body of a push: GitHub lists up to 2,048 commits of about 500 bytes each. */
export const WEBHOOK_BODY_MAX_BYTES = 2 * 1024 * 1024;

/** Requests of one address whose signature fails before it has to wait, and how many a second come back. */
export const WEBHOOK_FAILURE_BURST = 20;
export const WEBHOOK_FAILURE_REFILL_PER_S = 0.2;

/** Events that one page shows. */
export const EVENTS_PAGE_MAX = 100;
