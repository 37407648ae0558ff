/** Limits of the secrets, each with its reason. */

/** A sops file holds passphrases and tokens; a megabyte is a mistake. */
export const SOPS_FILE_MAX_BYTES = 1024 * 1024;

/** The file that says which secrets there are. */
export const MANIFEST_MAX_BYTES = 64 * 1024;

/** Secrets of one appliance; each is a file in memory. */
export const SECRETS_MAX = 100;

/** systemd takes the order for a restart in milliseconds; seconds on a machine that is busy booting. */
export const RESTART_TIMEOUT_MS = 20_000;

/** An age key file is three lines. */
export const AGE_KEY_MAX_BYTES = 4096;

/** A file of secrets that was written so lately may not be whole: a copy over the network pauses for less. */
export const SETTLE_MS = 1000;

/** Somebody who writes on and on is not waited for longer than so many times. */
export const SETTLE_ROUNDS_MAX = 10;
