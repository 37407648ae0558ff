/** The progress file is on a tmpfs; readers look at it once a second. */
export const PROGRESS_INTERVAL_MS = 500;

/** Nobody waits long for an answer to a question. */
export const CHECK_PATIENCE_MS = 30_000;

/** A person waits in front of the command; the service is more patient. */
export const COMMAND_PATIENCE_MS = 10 * 60_000;
export const SERVICE_PATIENCE_MS = 12 * 3_600_000;

/** Where the output is no terminal, a line this often says that it still goes on. */
export const LINE_INTERVAL_MS = 5_000;

/** Eight URLs and some words. */
export const REQUEST_MAX_BYTES = 32 * 1024;

/** A request goes on after a reboot or a kill; one that never comes to an end in as many starts is what kills the updater. */
export const REQUEST_STARTS_MAX = 20;

/** More bad releases than any vendor publishes between two good ones. */
export const REJECTED_KEEP = 50;
