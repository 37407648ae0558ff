/** Limits of the fact collectors, each with its reason. */

/** Largest fact file that is read whole. The biggest real one (machine facts) has a few KiB; a runaway file must not fill memory. */
export const FACT_FILE_MAX_BYTES = 256 * 1024;

/** The tail of the verdict journal that is read for the page: 64 KiB hold more than VERDICTS_SHOWN verdicts of 20 checks each. */
export const JOURNAL_TAIL_BYTES = 64 * 1024;

/** Verdicts on the page and in the JSON: a month of daily boots is history for the journal, not for a status. */
export const VERDICTS_SHOWN = 10;

/** `systemctl` and `busctl` answer in 10 to 50 ms; a bus that takes longer than this is broken and must not hold the page up. */
export const BUS_TIMEOUT_MS = 5_000;

/** Name servers listed; glibc itself uses three. */
export const NAME_SERVERS_MAX = 8;

/** Network interfaces listed: a T640 has one or two; a machine with a hundred virtual ones still gets a readable page. */
export const INTERFACES_MAX = 32;

/** Updates that ended, and releases that are not tried again, on the page and in the JSON: half a year of monthly releases and room. */
export const UPDATES_SHOWN = 10;

/**
 * Console lines of failed trials in one status, all of them together: two whole panics with their call traces. A status
 * is sent to every open page once a second while an update runs.
 */
export const CONSOLE_TAILS_MAX_BYTES = 24 * 1024;

/** A line of a journal that is longer is passed over: the longest real one (an update with 120 console lines) has some 20 KiB. */
export const JOURNAL_LINE_MAX_BYTES = 256 * 1024;
