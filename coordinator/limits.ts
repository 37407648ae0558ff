/** Limits of the coordinator, each with its reason. */

/** Another process on the same file (a backup) may hold it for a moment. */
export const SQLITE_BUSY_TIMEOUT_MS = 5_000;

/** The code has about a hundred different statements; those of batches differ in their length. */
export const SQLITE_STATEMENTS_MAX = 300;

/** Debian's PostgreSQL takes 100 connections: room for several coordinators and a person with psql. */
export const POSTGRES_CONNECTIONS_MAX = 10;
export const POSTGRES_CONNECT_TIMEOUT_MS = 10_000;

/** The largest body of any request but uploads: a state report with every list full, or an order's log. */
export const REQUEST_BODY_MAX_BYTES = 64 * 1024;

/** Seconds after which a connection without progress is closed: a heartbeat keeps its connection open to the next one. */
export const IDLE_TIMEOUT_S = 120;

/** Requests that run when the coordinator is told to stop get this long; each takes milliseconds. */
export const STOP_GRACE_MS = 5_000;

/** The first administrator's sign-in, on the screen of whoever started the coordinator. */
export const FIRST_SIGN_IN_MS = 60 * 60 * 1000;

/** A working day with its overtime; then sign in again. */
export const SESSION_MS = 12 * 60 * 60 * 1000;

/** Long enough that no list of known passwords is short enough to be tried; bounded, as it is hashed at some cost. */
export const PASSWORD_MIN = 10;
export const PASSWORD_MAX = 200;

/** Failed sign-ins of one address that are forgiven: a person mistypes twice. */
export const ADDRESS_FAILURES_MAX = 3;
/** Of one name from anywhere: enough that nobody locks another out by the way, too few for guessing. */
export const NAME_FAILURES_MAX = 20;
/** First lock; it doubles with every further failure. */
export const LOCK_FIRST_MS = 30_000;
export const LOCK_MAX_MS = 60 * 60 * 1000;
/** Failures that are older count no more. */
export const FAILURES_FORGOTTEN_MS = 24 * 60 * 60 * 1000;

/** Entries of the audit log that one page of the API shows; the export has all. */
export const PAGE_MAX = 500;
