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

/** Names of what is installed, as many and as long as the appliance takes (SOFTWARE_MAX, TEXT_MAX there). */
export const SOFTWARE_COUNT_MAX = 4_000;
export const SOFTWARE_NAME_MAX = 256;

/** dpkg answers in tens of milliseconds, the database of rpm on a slow disk in seconds. */
export const SOFTWARE_TIMEOUT_MS = 60_000;

/** The list goes along with each connection; one that breaks every minute is no reason to ask each time. */
export const SOFTWARE_FRESH_MS = 60 * 60_000;
/** A connection waits for it no longer than this: PowerShell may take minutes on a machine that has just booted. */
export const SOFTWARE_WAIT_MS = 10_000;
