/** Limits of the sensor's self-update, each with its reason. */

/** A program with its runtime has about 100 MB; what says it has more than this is none. */
export const PROGRAM_MAX_BYTES = 256 * 1024 * 1024;

/** Room that stays free beside the new program: the machine belongs to somebody else. */
export const SPARE_BYTES = 64 * 1024 * 1024;

/** One fetch is tried for this long in a row; what has arrived is kept for the next offer. */
export const FETCH_PATIENCE_MS = 30 * 60_000;

/** The new program has to have reported within this time: it starts in seconds and speaks at once. */
export const TRIAL_TIMEOUT_MS = 5 * 60_000;

/** How often the trial is looked at. */
export const TRIAL_LOOK_MS = 250;

/** A program that is asked to end is ended after this. */
export const TRIAL_END_MS = 10_000;

/** When the old program hears the appliance within this time after a silent trial, it was the new one that could not. */
export const SILENCE_PROOF_MS = 5 * 60_000;

/** Trials that were begun and did not come to a verdict (the machine was switched off, crashed): then the version counts as bad. */
export const TRIAL_ATTEMPTS_MAX = 3;

/** Versions that are remembered as bad. */
export const BAD_VERSIONS_MAX = 50;

/** The record is a few lines; whatever is longer is none. */
export const RECORD_MAX_BYTES = 64 * 1024;
