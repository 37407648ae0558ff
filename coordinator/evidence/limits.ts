/** Limits of evidence at the coordinator, each with its reason. */

/** Records of one appliance that are kept here: years of them; a taken-over one does not fill the database. */
export const DEVICE_EVIDENCE_MAX_BYTES = 2 * 1024 * 1024 * 1024;

/** Chains of one appliance: each is a key or a store that was lost. One that begins chain after chain is broken, or tries. */
export const DEVICE_CHAINS_MAX = 64;

/** Checkpoints that one list gives: with one every quarter of an hour a year of them that no segment has replaced. */
export const CHECKPOINTS_LISTED_MAX = 40_000;
