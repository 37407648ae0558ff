/** Limits of commands to sensors, each with its reason. */

/** A sensor has a dozen checks; more commands than that at once are a rule that runs wild. */
export const PENDING_PER_SENSOR_MAX = 32;

/** A sensor that is not heard of for two heartbeats is gone; until then it may come for its command. The time of the action itself comes on top. */
export const HAND_OUT_S = 120;

/** Results that are kept, so that the same one is known again: at a hundred a day, three months. */
export const RESULTS_MAX = 10_000;
/** Pruned in pieces of this size, not with each result. */
export const RESULTS_SLACK = 500;
