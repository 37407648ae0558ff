/** Limits of the sensors' certificates, each with its reason. */

const DAY_MS = 24 * 60 * 60 * 1000;

/** The authority outlives the appliance: to change it means to let every sensor in again. */
export const AUTHORITY_AGE_MS = 10 * 365 * DAY_MS;
/** REFERENCE: client certificates hold for a year … */
export const CLIENT_AGE_MS = 365 * DAY_MS;
/** … and are renewed from 30 days before the end. */
export const CLIENT_RENEW_BEFORE_MS = 30 * DAY_MS;
/** That of the service is made anew at each start and when it is half through: a short one costs nothing. */
export const SERVER_AGE_MS = 90 * DAY_MS;
export const SERVER_RENEW_BEFORE_MS = 45 * DAY_MS;
/** Certificates begin earlier than they are made: a sensor's clock that is late by a day must not lock it out. */
export const BACKDATE_MS = DAY_MS;

/** A new address (DHCP, a cable that was plugged in) is in the certificate a minute later. */
export const NAMES_INTERVAL_MS = 60_000;
/** Names in one certificate; a machine with more addresses serves networks that this is not made for. */
export const NAMES_MAX = 64;

/** A certificate request with an RSA key of 4096 bits has 1.7 kB. */
export const REQUEST_MAX_BYTES = 16 * 1024;
/** RSA keys below are broken in practice, those above make each handshake slow. */
export const RSA_MIN_BITS = 2048;
export const RSA_MAX_BITS = 4096;
