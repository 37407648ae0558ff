/** Limits of what appliance and coordinator say to each other, each with its reason. */

/**
 * How far the clock of a signer may be off, either way. A wrong clock is put right with the time in the answer; a wider window
 * would only give a recorded request longer to be tried (the sequence refuses it anyway).
 */
export const SIGNATURE_WINDOW_S = 300;

/** Signature-Input and Signature of this profile are 350 characters; a proxy may add one of its own. */
export const SIGNATURE_FIELD_MAX = 4096;

/** One piece of an order's log; a long log comes in pieces, each durable before the next. */
export const ORDER_LOG_PIECE_MAX = 32 * 1024;

/** Words of a result: the whole error of a failed update with its causes, not the log. */
export const RESULT_MESSAGE_MAX = 4096;

/** A machine with more network interfaces has virtual ones by the dozen; they say nothing about the appliance. */
export const INTERFACES_MAX = 64;

/** Any single text of a report: a firmware's own words stay below. */
export const FACT_TEXT_MAX = 256;

/** Sensors that a report of a site names: what a site is measured with; beyond, they are counted. */
export const SITE_SENSORS_MAX = 500;
/** Open findings that a report of a site names: more on one site are no list to work off. */
export const SITE_FINDINGS_MAX = 200;
/** Healings that one report names: a busy site has a few hundred in a day, and reports every few minutes. */
export const SITE_HEALINGS_MAX = 50;
/** Frameworks whose rates a report tells; three are known. */
export const SITE_FRAMEWORKS_MAX = 16;

/** One report of a site: 500 sensors and 200 findings with names of usual length take 120 KiB; who has longer names lists fewer of them. */
export const SITE_REPORT_MAX_BYTES = 192 * 1024;
