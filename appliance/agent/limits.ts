/** Limits of the agent, each with its reason. */

/** How old the facts may be while somebody looks: a page that moves every two seconds feels alive. */
export const REFRESH_WATCHED_MS = 2_000;

/** The same while nobody looks: keeps the console right, costs 0.1 % of a core. */
export const REFRESH_IDLE_MS = 30_000;

/** Somebody looks until this long after the last question. Open pages ask every 10 s (EVENT_HEARTBEAT_MS of the status page). */
export const WATCHED_FOR_MS = 25_000;

/** Facts younger than this are handed out again without looking: a hundred questions a second are one look. */
export const FACTS_FRESH_MS = 1_000;

/** Facts that cost a process each (services, time server): how old they may be while somebody looks, and while nobody does. */
export const SLOW_REFRESH_WATCHED_MS = 10_000;
export const SLOW_REFRESH_IDLE_MS = 60_000;

/** Files in /run/bulkhead are replaced as temporary file, then rename: both events are one change. */
export const WATCH_SETTLE_MS = 100;

/** The folder may not be there yet when the agent starts (a workstation never has it): looked for again this often. */
export const WATCH_RETRY_MS = 10_000;

/** The agent's own page has this long to answer its own question; a page that takes longer counts as hanging. */
export const SELF_PROBE_TIMEOUT_MS = 5_000;
/**
 * At the start the first answer may take longer: everything is loaded and collected at once then, and a slow processor that gave up here would
 * begin it all again, until the gate gives the slot up. Below TimeoutStartSec of the unit, with room for what comes before.
 */
export const FIRST_ANSWER_MS = 60_000;
/** Between two questions meanwhile. */
export const FIRST_ANSWER_PAUSE_MS = 500;

/** `systemd-notify` waits for systemd to have read its message, which takes milliseconds. */
export const NOTIFY_TIMEOUT_MS = 5_000;

/** Everything is closed by then, or the process ends without it. The unit's TimeoutStopSec is longer. */
export const SHUTDOWN_MS = 5_000;

/** The same warning is logged once in this time: a fact that fails every 2 s must not fill the journal. */
export const WARNING_REPEAT_MS = 60 * 60_000;

/** Distinct warnings remembered; the oldest is forgotten (and may be logged again) when there are more. */
export const WARNINGS_REMEMBERED_MAX = 64;

/** Memory is handed back to the kernel this long after start, when everything that only starting needs is garbage. */
export const FIRST_COLLECTION_MS = 5_000;

/** `bulkhead status` waits this long: longer than the page gives the agent (SOURCE_TIMEOUT_MS), so that its own words arrive. */
export const ASK_TIMEOUT_MS = 6_000;

/** A status has about 10 kB; what sends a megabyte is not the agent. */
export const ANSWER_MAX_BYTES = 1024 * 1024;

/** `bulkhead status --watch` asks this often, as the agent looks (REFRESH_WATCHED_MS). */
export const WATCH_INTERVAL_MS = 2_000;

/** The site is asked this often whether evidence has to go to the coordinator: small against CHECKPOINT_INTERVAL_MS there. */
export const EVIDENCE_ERRAND_MS = 30_000;

/** Between pieces of a segment: the coordinator takes one request every two seconds from one key for long (KEY_REFILL_PER_S there). */
export const EVIDENCE_PIECE_PAUSE_MS = 2_500;

/** The site is looked at this often for what the coordinator shows of it; what has changed is told when two looks see the same. */
export const SITE_LOOK_MS = 30_000;

/** What has not changed is told again after this: the coordinator knows from it that the site is still looked at. */
export const SITE_REPORT_INTERVAL_MS = 15 * 60_000;

/** Open findings that are counted: as many as the site tells at once (OPEN_MAX of appliance/findings), in pages of what one answer brings. */
export const FINDINGS_COUNTED_MAX = 5_000;
export const FINDINGS_PAGE = 1_000;

/** Healings that one look goes through: more than a busy site does between two reports. */
export const HEALINGS_LOOKED_AT = 200;
