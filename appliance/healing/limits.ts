/** Limits of healing, each with its reason. */

/**
 * Attempts at one check of one machine, healed or not, until a person is asked. What is put right and is wrong again, five times in the
 * window, is put wrong by something that healing does not see.
 */
export const FLAP_ACTS_MAX = 5;
/** The window is so many cooldowns, so a rule that may act again and again comes to the limit within it … */
export const FLAP_WINDOW_COOLDOWNS = 10;
/** … and never shorter than a day: a sensor that looks once an hour comes to it, too. */
export const FLAP_WINDOW_MIN_S = 24 * 60 * 60;

/** What was refused (no room for evidence, say) is not asked again at once. */
export const REFUSED_PAUSE_S = 60;

/** Healings that are under way at once: 500 sensors with two each; one is a row and a promise. */
export const RUNNING_MAX = 1_000;
/** Targets that the appliance itself works on at once: each has a connection and may have a program. */
export const ACTIVE_TARGETS_MAX = 8;

/** A second look of a machine that is asked for one. */
export const LOOK_TIMEOUT_S = 120;
/** For the second look of a sensor, which comes when it comes: its check interval is an hour at most. */
export const SENSOR_LOOK_TIMEOUT_S = 3_900;
/** On top of what the action may take, for the way there and back: longer than a command waits for its sensor (HAND_OUT_S of appliance/sensors). */
export const COMMAND_WAY_S = 150;

/** How often open findings are gone through for a second attempt, and for what could not be written down. */
export const SWEEP_INTERVAL_MS = 30_000;

/** Of what an action said; the rest is on the machine. */
export const OUTPUT_MAX = 2_000;
/** Healings that are kept: a busy site has a few hundred in a day, a usual one a few in a week. */
export const JOURNAL_MAX = 20_000;
/** Rows that one question is answered with. */
export const HISTORY_LIMIT = 50;
export const HISTORY_LIMIT_MAX = 1_000;
/** Detections of a check behind a newer one that came late. */
export const EVENTS_LOOKED_AT = 8;

/** A request and an answer of a few words. */
export const REQUEST_MAX_BYTES = 8 * 1024;
/** Characters of one text in the evidence: a record has room for a page (ENTRY_MAX_BYTES of appliance/evidence). */
export const EVIDENCE_TEXT_MAX = 400;
