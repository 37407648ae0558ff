/** Limits of alarms, each with its reason. */

/** How often the fleet is looked at: a fact becomes an alarm, and that a message, well within half a minute. */
export const ALARM_INTERVAL_MS = 5_000;

/** A coordinator that was killed holds the others up no longer than this; three looks. */
export const ALARM_LEASE_MS = 15_000;

/**
 * How long a critical finding may be open: healing has made its attempts by then, and a sensor that looks once an hour has looked again. Whoever is
 * called before that is called for what heals by itself.
 */
export const CRITICAL_FINDING_MS = 2 * 60 * 60 * 1000;

/** How often drift is looked at: that reads the whole fleet, and nothing about it is a matter of seconds. */
export const DRIFT_INTERVAL_MS = 60_000;

/** Appliances whose drift is read at once; heartbeats are taken in between. */
export const DRIFT_CHUNK = 1_000;

/** Rows of one kind that one look reads: more than a person can do anything about, whatever happens to the fleet. */
export const FACTS_MAX = 2_000;

/** Alarms of one kind that are open one by one. Beyond, one for the fleet says that there are more: a site without power is one event. */
export const ALARMS_PER_KIND_MAX = 500;

/** Alarms that one look opens or closes in one transaction: it holds the audit log meanwhile. */
export const CHANGES_PER_LOOK_MAX = 200;

/** Names that one statement asks for. */
export const IDS_PER_STATEMENT = 500;

/** State reports before the first look of a process that are looked at: it may come after one that was killed. */
export const FIRST_LOOK_BACK_MS = 60 * 60 * 1000;

/** Reports are looked at again for this long: of two that are written at once the later id may be seen first, and clocks differ. */
export const REPORTS_AGAIN_MS = 30_000;

/** Changes of one appliance from which it is told which firewall was lawful: it would take as many restarts to hide one. */
export const HISTORY_MAX = 200;

/** Configuration or image changed within this time of the firewall: the firewall follows from it, in a report of its own. */
export const LAWFUL_WITHIN_MS = 10 * 60 * 1000;

/** Over which time refusals and failed sign-ins are counted. */
export const REFUSALS_WITHIN_MS = 5 * 60 * 1000;
export const SIGN_INS_WITHIN_MS = 15 * 60 * 1000;

/** Refused requests in that time that are no alarm: one broken appliance behind a retrying proxy. */
export const REFUSALS_MIN = 30;
/** And their share of all requests, in per cent: answers that are lost on the way are sent again and refused as repeated. */
export const REFUSALS_MIN_PERCENT = 1;

/** Failed sign-ins in that time that are no alarm: three people who mistype until they have to wait. */
export const SIGN_INS_FAILED_MIN = 10;

/** How long counts of requests are kept; only the last minutes are looked at. */
export const COUNTS_KEPT_MS = 60 * 60 * 1000;
