/** Limits of the status page, each with its reason. All of them together keep an open port from costing the appliance its memory. */

/** A status is fresh for one second: a room full of open pages costs the agent one look at the system per second. */
export const STATUS_FRESH_MS = 1_000;

/** Asking the agent for its status has this long; slower is a fault that the page names instead of hanging. */
export const SOURCE_TIMEOUT_MS = 3_000;

/** Questions that were never answered may not pile up; with this many open, the next is refused at once. */
export const SOURCE_OPEN_CALLS_MAX = 3;

/** Live streams at a time: a handful of people and a wall display. Each holds a socket and up to EVENT_BACKLOG_MAX messages. */
export const EVENT_CLIENTS_MAX = 16;

/** Messages of about 10 kB (40 kB with the consoles of failed trials) that may wait for one client; one that is further behind is dropped and reconnects by itself. */
export const EVENT_BACKLOG_MAX = 4;

/** Every stream hears from us this often: proxies keep it open, and a browser can tell a dead appliance from a calm one. */
export const EVENT_HEARTBEAT_MS = 10_000;

/** A burst of changes is told as one, at most this often. */
export const EVENT_INTERVAL_MIN_MS = 1_000;

/** What a browser is told to wait before it reconnects a lost stream. */
export const EVENT_RETRY_MS = 3_000;

/** A connection without progress is closed. Longer than EVENT_HEARTBEAT_MS, or quiet streams would be cut. */
export const IDLE_TIMEOUT_S = 30;

/** Answers that are on their way when the server stops have this long; systemd waits much longer before it kills. */
export const STOP_GRACE_MS = 500;

/** One route takes a body, of SITE_FORM_MAX_BYTES. One block is let through so that a client which sends more is told so and not cut off. */
export const REQUEST_BODY_MAX_BYTES = 4_096;

/** The page stays light enough for a slow phone on a bad link, whatever the appliance has to tell. */
export const PAGE_MAX_BYTES = 80 * 1024;

/**
 * Parts of a status that the page shows; the rest is counted on the page and complete in the JSON. Together with the
 * lengths below they keep the page under PAGE_MAX_BYTES whatever a status holds (a test fills all of them).
 */
export const PAGE_VERDICTS_MAX = 4;
export const PAGE_CHECKS_MAX = 16;
export const PAGE_SERVICES_MAX = 16;
export const PAGE_INTERFACES_MAX = 4;
export const PAGE_ADDRESSES_MAX = 6;
export const PAGE_PORTS_MAX = 24;
export const PAGE_NOTICES_MAX = 12;
export const PAGE_UPDATES_MAX = 5;
export const PAGE_REJECTED_MAX = 4;

/** Bytes of the consoles of failed trials, all of them together: a panic with its call trace and what came before. */
export const PAGE_CONSOLES_MAX_BYTES = 6 * 1024;

/** Bytes of one line of them: three times the width of a terminal, so that no single line takes the place of all others. */
export const PAGE_CONSOLE_LINE_MAX_BYTES = 240;

/** Bytes of a sentence in the page's source; a message of a check is about 80. */
export const PAGE_SENTENCE_MAX_BYTES = 160;

/** Bytes of the sentence about the update: the whole of an error with its cause. */
export const PAGE_UPDATE_MESSAGE_MAX_BYTES = 480;

/** Bytes of a name or a value; a SHA-256 in hex is 64. */
export const PAGE_VALUE_MAX_BYTES = 72;

/** Compliance is looked at every quarter of an hour: five seconds of memory keep a room full of pages from asking for it. */
export const COMPLIANCE_FRESH_MS = 5_000;

/** Machines, findings and notes on the page of compliance; the CSV has all of them. */
export const COMPLIANCE_ROWS_MAX = 20;

/** The page of compliance stays under this with every control on it, whatever they say: it has no pictures and is read now and then. */
export const COMPLIANCE_PAGE_MAX_BYTES = 128 * 1024;

/** A room full of pages of the site asks its service for what it knows once in five seconds. */
export const SITE_FRESH_MS = 5_000;

/** The status page and a scrape wait this long for the service of the site, which answers in milliseconds or has a problem of its own. */
export const SITE_GLANCE_WAIT_MS = 500;

/** Rows of each list on the page of the site; the JSON has more. */
export const SITE_ROWS_MAX = 20;

/** The form that lets a sensor in: 64 digits, the name of a tier, six digits, and the names of the fields take 150. */
export const SITE_FORM_MAX_BYTES = 1024;

/** The page of the site stays under this with every list full of the longest words: it has no pictures. */
export const SITE_PAGE_MAX_BYTES = 160 * 1024;

/** Use of memory or disk, in parts of one, from which a person should look. */
export const USE_HIGH_RATIO = 0.9;

/** Further off than this, certificates and signed times start to be refused. */
export const CLOCK_OFFSET_HIGH_MS = 2_000;

/** The T640 throttles at about 95 °C; ten below is worth a look. */
export const TEMPERATURE_HIGH_C = 85;

/** From so many days before a secret is due on, the page asks for a new one, so that nobody is late on the day. */
export const ROTATION_NOTICE_DAYS = 14;
