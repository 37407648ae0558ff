/** Limits of detections, events and findings, each with its reason. */

/** Names of hosts: what DNS allows. */
export const HOSTNAME_MAX = 253;
/** What was expected, what was found: a line or two of a person's text, a list of a dozen patches. */
export const TEXT_MAX = 2_048;
/** Longer than any name of a control in use: `164.312(a)(2)(iv)`, `SRG-OS-000480-GPOS-00227`. */
export const CONTROL_MAX = 64;
/** What goes with a detection: names and values, together no more than a page. */
export const METADATA_MAX_ENTRIES = 32;
export const METADATA_NAME_MAX = 64;
export const METADATA_VALUE_MAX = 1_024;
export const METADATA_MAX = 8_192;

/** Detections that are recorded as a whole: a minute of a sensor that was away for a day. */
export const RECORD_MAX = 1_000;

/** Seconds of a year 2500: a time beyond is a mistake of units. */
export const AT_MAX_S = 16_725_225_600;

/**
 * What a sensor says happened may arrive this late (its queue holds a week) and is then put in its place. What claims to be older comes
 * from a clock that is wrong, and is taken as of now.
 */
export const LATE_MAX_S = 7 * 24 * 60 * 60;

/** Check types that one subject may have: a dozen are known. A sensor that makes up names must not fill the store with findings. */
export const CHECKS_PER_SUBJECT_MAX = 256;

/**
 * What an event takes beside its texts: row, four indexes, and the room that trees of pages leave. Measured after 300,000 events of 500
 * sensors: 480 bytes for an event whose texts have 120. Too little here would fill the store before the oldest go.
 */
export const EVENT_OVERHEAD_BYTES = 360;

/** Events are kept this long: a year, and a month to look back at it. */
export const EVENT_AGE_MAX_S = 400 * 24 * 60 * 60;
/** And as many as fit, unless the site says otherwise: 200,000. The rest of the store's 144 MiB is for what must not go. */
export const EVENTS_MAX_BYTES = 96 * 1024 * 1024;
/** What is freed at once when they are too many, so that it is done now and then and not with every event. */
export const EVENTS_SLACK_SHARE = 1 / 64;
/** A store that refuses with less of its bound left than this is at its bound: the largest transaction takes a seventieth of it. */
export const STORE_BOUND_SHARE = 1 / 16;
/** Closed findings that are kept; a site with ten of them a day fills this in fourteen years. */
export const CLOSED_FINDINGS_MAX = 50_000;

/**
 * Of these, what one subject has at most: a check that goes to and fro all day, or a sensor that makes it look so, fills at most 3 MiB of the
 * store. What it reported stays in the sealed digests of the events.
 */
export const CLOSED_PER_SUBJECT_MAX = 500;

/** Events that go at once: a transaction of some tens of milliseconds. */
export const PRUNE_MAX = 1_000;
/** Age is looked at this often. */
export const PRUNE_INTERVAL_MS = 60 * 60 * 1000;

/** Rows that one question is answered with. */
export const FIND_LIMIT = 100;
export const FIND_LIMIT_MAX = 1_000;
/** Open findings that are told at once: the page shows ten, an export all. */
export const OPEN_MAX = 5_000;

/** Events that one digest covers: some ten milliseconds. */
export const DIGEST_MAX = 10_000;

/** How often what was reported is sealed in evidence: what somebody would change in the store has to be done within this. */
export const SEAL_INTERVAL_MS = 5 * 60_000;

/**
 * Changes of findings that one subject has on record at once (every check of it, four times), and how many more come in an hour. What is
 * more than that waits, or a sensor whose checks go to and fro would fill the evidence within seconds, and nothing could be healed.
 */
export const CHANGES_BURST = 4 * CHECKS_PER_SUBJECT_MAX;
export const CHANGES_PER_HOUR = 60;
/** Subjects whose changes are counted: all sensors there can be, and machines without one. */
export const CHANGES_SUBJECTS_MAX = 4_096;

/** A full store of evidence is emptied by an export or the coordinator: minutes, not seconds. */
export const WITNESS_RETRY_MS = 30_000;
