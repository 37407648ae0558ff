/** Some words and a version. */
export const POWER_REQUEST_MAX_BYTES = 8 * 1024;

/** Of a reason, as orders have them. */
export const REASON_MAX = 500;
