/** Limits of envelopes, each with its reason. */

/** The signed part comes before anything is known of its maker: enough for a manifest with every field at its longest. */
export const ENVELOPE_MAX_BYTES = 64 * 1024;

/** Signatures on one envelope: a release key and its successor, or the root keys of a threshold; each costs a verification. */
export const SIGNATURES_MAX = 8;
