/** Limits of the list of sensors, each with its reason. */

/** A sensor that is not heard of for two heartbeats is not there any more; others know it as sensor_timeout_seconds. */
export const SENSOR_TIMEOUT_S = 120;

/** Sensors that are in at once: four times what this is measured with. Revoked ones do not count. */
export const SENSORS_MAX = 2_000;
/** Revoked ones that are remembered, so that they are told that they were; a site that swaps ten machines a month fills it in eight years. */
export const REVOKED_MAX = 1_000;

/** Names of the programs on one machine: 800 of them. All sensors together then take no more than a third of the store. */
export const SOFTWARE_MAX_BYTES = 24 * 1024;

/** When somebody was last heard is written this often, not with each word: a second after a crash it is known again anyway. */
export const HEARD_FLUSH_MS = 30_000;

/**
 * Certificates of one sensor that hold at once: the one it has, the one it was given last, and one of an answer that got lost. An older one
 * ends when a newer is used.
 */
export const CERTIFICATES_PER_SENSOR_MAX = 3;
