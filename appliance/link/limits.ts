/** Limits of talking to the coordinator, each with its reason. */

/** One request from the first packet to the last: a satellite link with lost packets fits, a dead connection is not waited for. */
export const REQUEST_TIMEOUT_MS = 30_000;

/** Eight orders with a sealed secret each are 200 KiB; what sends more is not the coordinator. */
export const ANSWER_MAX_BYTES = 512 * 1024;

/** Body of one message: the coordinator takes 64 KiB (REQUEST_BODY_MAX_BYTES there). */
export const MESSAGE_MAX_BYTES = 60 * 1024;

/** Refusals in a row that name their own remedy (time, sequence) and are tried again at once; more is something else. */
export const CORRECTIONS_MAX = 3;

/** An operator has refused or revoked this key: asked again this seldom, because only a person changes it. */
export const REFUSED_RETRY_MS = 15 * 60_000;

/** Share of an asked-for pause that is added by chance, so that those who were told the same do not come back together. */
export const PAUSE_JITTER_SHARE = 0.2;

/** A pause up to this, from a coordinator that has taken something within it, is its pace; a longer one is told as a trouble. */
export const PACE_MAX_MS = 60_000;

/** After a change of the network, before it is tried: routes and name servers settle within a second or two. */
export const KICK_PAUSE_MS = 2_000;

/**
 * Sequence numbers that one write to the disk reserves. After a crash the rest of them is left out, which costs nothing: at one a
 * second 2^53 last longer than the hardware.
 */
export const SEQUENCE_BLOCK = 1_000;

/** A number of at most 16 digits and a line break. */
export const SEQUENCE_FILE_MAX_BYTES = 32;

/** Device id, key and order keys: less than a kilobyte each. */
export const ENROLMENT_FILE_MAX_BYTES = 16 * 1024;

/**
 * What waits at most, in bodies of messages. With the log of SQLite and the copy of a damaged file it stays below half of
 * AGENT_IMAGE_BYTES (appliance/setup), and as much fits into the agent's memory where there is no disk.
 */
export const OUTBOX_MAX_BYTES = 12 * 1024 * 1024;

/** The same in messages: small ones cost more than their bodies. A month of one report every three minutes. */
export const OUTBOX_MAX_MESSAGES = 15_000;

/** Another process (the agent before, just being ended) may hold the file for a moment; the page waits as long. */
export const OUTBOX_BUSY_TIMEOUT_MS = 1_000;

/** A site whose power comes back starts all its boxes at one moment: the first word is said within this time, by chance. */
export const START_SPREAD_MS = 3_000;

/** Questions of other parts that wait at once: one part asks one thing at a time, and more is a fault of it. */
export const ERRANDS_MAX = 8;

/** What is left of a session key's time when another one is asked for: a few heartbeats, of which some may be lost. */
export const SESSION_RENEW_MS = 5 * 60_000;

/**
 * A coordinator that does not take the session key that it has given is not asked for another one for this long: each would cost a request that is
 * refused, and the device's own key serves as well.
 */
export const SESSION_REFUSED_PAUSE_MS = 60 * 60_000;
