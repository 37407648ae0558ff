/** Limits and formats of the identity, each with its reason. */

/** RFC 8032: an Ed25519 private key is a seed of 32 bytes. */
export const SEED_BYTES = 32;

/** A key file has 119 bytes, a record 180; more is another file. */
export const IDENTITY_FILE_MAX_BYTES = 4096;

/** Host name of an appliance without a configured one: 24 bits tell some thousand boxes of one site apart. */
export const HOSTNAME_ID_DIGITS = 6;

/** ssh-keygen takes 50 ms; on the first boot it may wait for the kernel's random numbers. */
export const SSH_KEYGEN_TIMEOUT_MS = 60_000;
