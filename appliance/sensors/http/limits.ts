/** Limits of the HTTP sensor API, each with its reason. */

/** Where others look for it. */
export const SENSOR_HTTP_PORT = 8080;

/** The largest body: a drift with a page of details. */
export const BODY_MAX_BYTES = 32 * 1024;

/** What sensors are told. */
export const HEARTBEAT_INTERVAL_S = 60;
export const CHECK_INTERVAL_S = 10;

/** How far the clock of a sensor that signs may be off; one that is told so signs by the clock of the appliance. */
export const SIGNATURE_SKEW_S = 60;
/** Requests of one sensor overtake each other by less than this; only so long a signature has to be remembered. */
export const SIGNATURE_ORDER_S = 10;
/** Signatures of one sensor that are remembered: more than its rate allows in that time. */
export const NONCES_PER_SENSOR_MAX = 1_000;
/** 128 bits are enough that no two meet; more is a waste of memory. */
export const NONCE_MIN = 16;
export const NONCE_MAX = 64;

/** Requests of one sensor that may come at once: a queue of a day that was offline is delivered in pieces. */
export const KEY_BURST = 120;
/** And what comes back per second: a drift in every check of every second is no sensor but a fault. */
export const KEY_REFILL_PER_S = 10;
/** Of one address, whoever it is: a hundred sensors behind one. */
export const ADDRESS_BURST = 1_000;
export const ADDRESS_REFILL_PER_S = 500;
/** Requests of one address that are not from a sensor we know: a mistyped installation, not a search for keys. */
export const FAILURE_BURST = 30;
export const FAILURE_REFILL_PER_S = 0.5;
/** Sensors and addresses whose rates are remembered: a large network, and memory for a stranger who makes up addresses. */
export const RATES_REMEMBERED_MAX = 10_000;

/** Told to whoever comes while too much waits to be written: longer than that takes. */
export const BUSY_RETRY_S = 2;
/** And to whoever comes while there is no room: somebody has to make some. */
export const FULL_RETRY_S = 60;

/** Connections without progress are closed; sensors make one for each request. */
export const IDLE_TIMEOUT_S = 30;

/** Requests that run when the service is told to stop get this long; each takes milliseconds. */
export const STOP_GRACE_MS = 2_000;

/** A machine that waits to be let in asks again after this: a person has to come by. */
export const WAITING_RETRY_S = 30;

/** A lone text of a body: name of a release, of a kernel, of who resolved it. */
export const SHORT_TEXT_MAX = 256;
