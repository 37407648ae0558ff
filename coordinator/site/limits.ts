/** Limits of what is kept of sites, each with its reason. */

/** Findings of one appliance, open and closed: ten a day for two years. A made-up report a second must not fill the database. */
export const DEVICE_FINDINGS_MAX = 8_000;
/** The same of healings. */
export const DEVICE_HEALINGS_MAX = 8_000;

/** Rows that one statement names; a report brings a few hundred at most. */
export const ROWS_PER_STATEMENT = 200;

/** Findings and healings of one appliance that its page and one answer show. */
export const SHOWN_FINDINGS_MAX = 200;
export const SHOWN_HEALINGS_MAX = 50;

/** Healings that the summary of the fleet counts. */
export const SUMMARY_WITHIN_MS = 24 * 60 * 60 * 1000;
