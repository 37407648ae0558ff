/** Limits of what is kept, each with its reason. */

/** What has changed on appliances, ended orders and alarms that are over: a year, and time to compare it with the one before. */
export const RECORDS_KEPT_DAYS = 400;

/** Builds and their logs: a log is large, and what it led to is on record as a release. */
export const BUILDS_KEPT_DAYS = 90;

/** Rows that one statement takes away: heartbeats are taken in between. */
export const FORGET_CHUNK = 500;

/** Statements of one kind in a row; the rest comes with the next turn. */
export const FORGET_TURNS = 200;
