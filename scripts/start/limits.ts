/** Limits of `npm start`, each with its reason. */

/** Holds both slots at their smallest useful size and a data partition; sparse, so it costs what is written. */
export const DISK_BYTES = 16 * 1024 ** 3;

/** An installation takes two minutes in emulation on an idle machine; this is for a busy one. */
export const INSTALL_TIMEOUT_MS = 20 * 60_000;

/** From power-on to healthy: under a minute in emulation on an idle machine. */
export const HEALTHY_TIMEOUT_MS = 10 * 60_000;

/** A shutdown takes seconds; a unit that does not stop is killed by systemd after less than this. */
export const SHUTDOWN_TIMEOUT_MS = 60_000;

/** An orderly shutdown is over within four seconds; what still runs after this has not heard the power button. */
export const BUTTON_TIMEOUT_MS = 15_000;

/** One Ctrl-C may arrive twice, from the terminal and from npm: what comes within this time is one press. */
export const SAME_PRESS_MS = 1_000;

/** Of a machine that is running already. */
export const STATUS_TIMEOUT_MS = 10_000;

/** Between two looks at the console for signs that waiting is in vain. */
export const CONSOLE_LOOK_MS = 1_000;

/** The coordinator opens its database and says where it is within a second. */
export const COORDINATOR_START_TIMEOUT_MS = 30_000;

/** It lets requests end that run, and closes its database. */
export const COORDINATOR_STOP_TIMEOUT_MS = 15_000;

/** One answer of its API. */
export const ANSWER_TIMEOUT_MS = 30_000;

/** A healthy appliance enrols within seconds; one that tries again waits up to a minute in between. */
export const ENROLLED_TIMEOUT_MS = 3 * 60_000;
export const ENROLLED_LOOK_MS = 1_000;

/** A release of 110 MB, over the loopback, checked on arrival. */
export const UPLOAD_TIMEOUT_MS = 10 * 60_000;

/** A release that is left again costs three boots, and each of them up to three minutes of a gate that waits. */
export const FOLLOW_TIMEOUT_MS = 30 * 60_000;
export const FOLLOW_LOOK_MS = 2_000;
