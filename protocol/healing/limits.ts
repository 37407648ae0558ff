/** Limits of healing rules, each with its reason. */

/** A set travels in one envelope (base/signing/limits.ts); a rule of ordinary length has 400 bytes. */
export const RULES_MAX = 100;
/** A rule that asks more than this of a detection is several rules. */
export const CONDITIONS_MAX = 16;
/** A text that a condition compares with: the longest that a detection carries is 2,048. */
export const VALUE_MAX = 512;
/** Texts of `in` and `not_in`. */
export const VALUES_MAX = 64;
/** What a person writes about a rule or a set. */
export const TEXT_MAX = 200;

/** A pattern that cannot be read at a glance is a mistake. */
export const PATTERN_MAX = 200;
/**
 * Length of a pattern times all of its counts (`{n}`), which is what writing them out comes to. A machine of so many states takes some
 * hundredths of a second for the longest text of a detection, whatever the pattern is.
 */
export const PATTERN_COST_MAX = 2_000;

/** Once a minute is the fastest that a second look can follow a first. */
export const COOLDOWN_MIN_S = 60;
/** A rule that waits longer than a week between two attempts is none. */
export const COOLDOWN_MAX_S = 7 * 24 * 60 * 60;
/** Attempts after the first; more of the same has never helped. */
export const RETRIES_MAX = 3;
/** How long is waited after an action before the second look: a service that starts, a clock that is found. */
export const SETTLE_MAX_S = 300;
export const PRIORITY_MAX = 1_000;

/** A file that an operator writes: twice the largest set, with its comments. */
export const RULE_FILE_MAX_BYTES = 128 * 1024;
/** Of the problems of one file, so many are told. */
export const PROBLEMS_SHOWN = 10;
