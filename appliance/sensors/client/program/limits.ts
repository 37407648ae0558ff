/** Limits of the reference sensor's program, each with its reason. */

/** Port of the appliance's sensor service. */
export const DEFAULT_PORT = 50_051;

/** The configuration is a dozen lines; whatever is longer is something else. */
export const CONFIG_MAX_BYTES = 64 * 1024;

/** The state for `status` is written at most this often: a page of a few lines, not a log. */
export const STATUS_INTERVAL_MS = 2_000;

/** A state that is older than this was written by a sensor that does not run any more. */
export const STATUS_FRESH_MS = 3 * 60_000;

/** Somebody stands beside `enrol` and waits. */
export const ENROL_TIMEOUT_S = 600;

/** What a sensor that was replaced ends with: whoever keeps it starts the program anew (EX_TEMPFAIL of sysexits.h). */
export const EXIT_REPLACED = 75;
