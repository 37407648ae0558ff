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

/** Requests of one key that may come at once: a box that was away delivers its outbox, one request after the other. */
export const KEY_BURST = 30;
/** And what comes back per second. */
export const KEY_REFILL_PER_S = 0.5;

/** Requests of one address whose signature fails, before it has to wait; a site behind one address may have a broken box. */
export const FAILURE_BURST = 60;
export const FAILURE_REFILL_PER_S = 1;

/** Keys and addresses that rates are remembered of: a fleet of 100,000 with room; the oldest go first. */
export const RATES_REMEMBERED_MAX = 150_000;

/** Keys in memory, so that a heartbeat needs no look-up: a fleet of 100,000 with room. */
export const KEYS_REMEMBERED_MAX = 150_000;

/**
 * How long a session key signs heartbeats. A heartbeat that asks for one costs three times as much as any other: once an hour that is not
 * to be seen; and who gets hold of one can say for an hour that a box is there, and nothing else.
 */
export const SESSION_KEY_LIFE_S = 60 * 60;

/** Heartbeats in one transaction: what one statement takes on both databases with room, a few milliseconds of work. */
export const BATCH_MAX = 256;

/** Heartbeats that may wait for their transaction; beyond, senders are asked to come later. Half a second of work. */
export const BATCH_QUEUE_MAX = 4096;

/** Part of the interval by which the next heartbeat is moved either way, so that a fleet that started together spreads. */
export const JITTER = 0.1;

/** A device is online while its last message is at most this many intervals old: one may be lost. */
export const ONLINE_INTERVALS = 2.5;
/** And offline from this many on. */
export const OFFLINE_INTERVALS = 10;

/** How long a code is shown on an appliance before it shows another: long enough to walk to a desk, or to come back tomorrow. */
export const DEVICE_CODE_MS = 24 * 60 * 60 * 1000;

/** How often an appliance that waits for approval asks. */
export const PENDING_RETRY_S = 10;

/** Records that wait for approval; more are a flood of made-up keys, not a delivery of appliances. */
export const PENDING_MAX = 10_000;

/** Changes of one device's state that one answer shows. */
export const CHANGES_PAGE_MAX = 200;

/** Envelopes in one answer: what waits beyond comes with the next heartbeat. */
export const ORDERS_PER_ANSWER_MAX = 8;

/** Until an order that was handed out has to be accepted; an answer that was lost is repeated after this. */
export const ORDER_ACCEPT_MS = 90_000;

/** Hand-outs of one attempt that nobody accepts: the device hears but does not do; a person should look. */
export const HAND_OUTS_MAX = 5;

/** Pause before the second attempt; it doubles with each, so that an order that fails never runs every few minutes for days. */
export const ORDER_BACKOFF_MS = 60_000;
export const ORDER_BACKOFF_MAX_MS = 6 * 60 * 60 * 1000;

/** An order that no one fetched in this time is not what the operator wants any more, unless told otherwise. */
export const ORDER_LIFE_MS = 7 * 24 * 60 * 60 * 1000;

/** Orders of one device that have not ended: more are a program gone wrong. */
export const ORDERS_OPEN_MAX = 50;

/** All pieces of the log of one attempt; a support bundle is no log. */
export const ORDER_LOG_MAX = 1024 * 1024;

/** How often deadlines are looked at, and how many orders at once. */
export const SWEEP_INTERVAL_MS = 5_000;
export const SWEEP_MAX = 500;

/** A box that asked to be let in and has shown no live code for this long is forgotten; it may ask again. */
export const PENDING_FORGOTTEN_MS = 7 * 24 * 60 * 60 * 1000;

/** Versions that metrics tell apart; a fleet runs a handful, and every value of a label is a series for ever. */
export const VERSIONS_COUNTED_MAX = 50;

/** How often what is over is taken away. */
export const FORGET_INTERVAL_MS = 60 * 60 * 1000;

/** New records that one address may leave waiting at once, and per second after that: a delivery is unpacked box by box. */
export const NEW_DEVICE_BURST = 100;
export const NEW_DEVICE_REFILL_PER_S = 0.1;

/** Requests of one address to the API at once, and per second: pages ask for a dozen things when they open. */
export const API_BURST = 300;
export const API_REFILL_PER_S = 50;

/** The command line waits this long for an answer; an export begins within it. */
export const CLIENT_TIMEOUT_MS = 60_000;

/** Pieces of work that share one flush to the disk: the first of them waits for the last. */
export const WORKS_PER_COMMIT_MAX = 64;

/** Sign-ins that wait for the one before; checking a password takes a tenth of a second and 64 MiB. */
export const SIGN_INS_WAITING_MAX = 30;

/** Times that a piece of work is done when PostgreSQL takes it back; who waits for each other twice will not a third time. */
export const WORK_ATTEMPTS_MAX = 4;

/** Appliances on one page of the fleet: what a person looks through before they search. */
export const FLEET_PAGE = 50;

/** Orders and entries of the audit log on one page. */
export const BOARD_PAGE = 50;

/** Appliances that one look for a cohort reads at once (a few milliseconds; heartbeats are taken in between), and at most. */
export const COHORT_CHUNK = 1_000;
export const COHORT_LOOKED_MAX = 10_000;
