/** Limits of the proof under load, each with its reason. */

/** Events of one sensor that are sent and not acknowledged: what is in no one's hands after a cut. */
export const WINDOW_MAX = 64;

/** A sensor comes back after a time between half of this and all of it: five hundred do not come at once. */
export const COME_BACK_MS = 2_000;

/** The supervisor of the appliance waits as long before it starts the service again. */
export const RESTART_PAUSE_MS = 1_000;
/** A service that has not started by then will not. */
export const START_MS = 60_000;

/** Pages are read this often by one reader; a person with an open page does so every few seconds. */
export const READ_PAUSE_MS = 200;
/** Who waits longer for a page has closed it. */
export const READ_TIMEOUT_MS = 15_000;

/** Events are looked for in the store this often: it keeps what comes in a minute and more. */
export const READ_STORE_MS = 1_000;

/** As the appliance gives the service. */
export const STORE_DISK_BYTES = 256 * 1024 * 1024;

/** What is not answered so long after the last trouble is over will not be. */
export const DRAIN_MS = 180_000;
