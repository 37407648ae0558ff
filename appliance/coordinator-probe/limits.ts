/** Limits of the coordinator probe, each with its reason. */

/** getaddrinfo with three name servers and two tries of 5 s each would take 30 s; a name that takes longer than this is broken. */
export const DNS_TIMEOUT_MS = 10_000;

/** Connecting to one address. SYNs are repeated after 1, 3 and 7 s, so this waits for the third. */
export const TCP_TIMEOUT_MS = 8_000;

/** Addresses tried for one name: a name with twenty addresses must not make one round last minutes. */
export const ADDRESSES_TRIED_MAX = 4;

/** A handshake needs two round trips and a signature; satellite links with 700 ms still fit many times. */
export const TLS_TIMEOUT_MS = 10_000;

/** `GET /health` looks nothing up; a coordinator that needs longer is not healthy. */
export const HEALTH_TIMEOUT_MS = 10_000;

/** Bytes of a health answer that are read; the rest is dropped unread. */
export const HEALTH_ANSWER_MAX_BYTES = 64 * 1024;

/** Bounds of the poll interval, in milliseconds: below, a fleet is a flood; above, nobody would call it live. */
export const POLL_INTERVAL_MIN_MS = 10_000;
export const POLL_INTERVAL_MAX_MS = 3_600_000;

/** Slowest retry after many failures. There is no last one: a site whose filter is opened after a month must come back. */
export const RETRY_INTERVAL_MAX_MS = 10 * 60_000;

/** Share of the interval by which it varies, so that a fleet that lost power together does not call together. */
export const JITTER_SHARE = 0.2;

/** After a change of the network, before it is probed: routes and name servers settle within a second or two. */
export const KICK_PAUSE_MS = 2_000;
