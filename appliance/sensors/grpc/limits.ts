/** Limits of the gRPC service, each with its reason. REFERENCE: prescribed for all who speak this protocol. */

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;

/** REFERENCE. */
export const SENSOR_GRPC_PORT = 50_051;
/** REFERENCE: 4 MB. */
export const MESSAGE_MAX_BYTES = 4 * 1024 * 1024;
/** REFERENCE: of one connection. */
export const STREAMS_MAX = 100;
/** REFERENCE: a line that is silent is asked after 30 s, and is dead 10 s later. */
export const KEEPALIVE_MS = 30 * SECOND_MS;
export const KEEPALIVE_TIMEOUT_MS = 10 * SECOND_MS;

/** REFERENCE: how often sensors look. */
export const CHECK_INTERVAL_MIN_S = 60;
export const CHECK_INTERVAL_MAX_S = 3_600;
export const CHECK_INTERVAL_S = 300;

/** Connections of sensors at once: 500, twice while they come back after a cut, and room. LimitNOFILE of the unit is far above. */
export const SENSOR_CONNECTIONS_MAX = 1_200;
/** Of one sensor: its own, one from before its cable was pulled, and a try by hand. */
export const CONNECTIONS_PER_SENSOR_MAX = 4;
/** Connections on which no sensor has asked anything yet, beside those: handshakes that run, and machines that want in. */
export const STRANGER_CONNECTIONS_MAX = 400;
/** Of one address: a terminal server, or a router with machines behind it, whose sensors come back at once. */
export const STRANGER_CONNECTIONS_PER_ADDRESS_MAX = 64;
/** And how long they last: sensors connect when they have something to say, and who waits to be let in comes again. */
export const STRANGER_CONNECTION_MS = 30 * SECOND_MS;
/** A connection of a sensor on which nothing has been open for this long is closed. */
export const CONNECTION_IDLE_MS = 15 * MINUTE_MS;

/** Calls of one sensor that are open at once, over all its connections: as many as one connection has. */
export const CALLS_PER_SENSOR_MAX = STREAMS_MAX;
/** Calls of those who are not in yet, each of which may hold a message in memory: of one address, and of all. */
export const STRANGERS_PER_ADDRESS_MAX = 4;
export const STRANGERS_MAX = 24;
/** A message that has not come by then does not come. */
export const REQUEST_MS = 30 * SECOND_MS;

/** Calls a second of one sensor that go on, and how many may come at once: it sends a dozen checks and a heartbeat a minute. */
export const SENSOR_CALLS_PER_S = 100;
export const SENSOR_CALLS_BURST = 500;
/** Of an address that is not in: a retry now and then. */
export const STRANGER_CALLS_PER_S = 0.5;
export const STRANGER_CALLS_BURST = 10;
/** Events a second of one sensor; a stream that brings more is read slower. */
export const SENSOR_EVENTS_PER_S = 2_000;
export const SENSOR_EVENTS_BURST = 10_000;
/** Meters that are kept: one a sensor and one an address. The oldest goes for a new one. */
export const METERS_MAX = 8_192;

/** Events of a stream that wait for the one commit; when so many do, no more are read. */
export const DRIFT_QUEUE_MAX = 128;
/** A stream on which nothing comes for longer than the longest check interval is of a sensor that has forgotten it. */
export const DRIFT_IDLE_MS = 75 * MINUTE_MS;
/** An event that opened a finding may be answered by a command; what decides that writes evidence first, which takes a flush or two. */
export const COMMAND_WAIT_MS = 250;

/** Entries in a list of programs, and characters of one. */
export const SOFTWARE_MAX = 4_000;
export const PROGRAMS_MAX = 32;
/** Texts of a message that is no event. */
export const TEXT_MAX = 256;
/** What a healing says went wrong, and what it leaves behind. */
export const ERROR_MESSAGE_MAX = 4_096;
export const ARTIFACTS_MAX = 32;
export const ARTIFACT_MAX = 4_096;

/** Open calls are given this long to end by themselves when the service stops; `SITE_SHUTDOWN_MS` is longer. */
export const STOP_MS = 3 * SECOND_MS;
/** Who watches the health is told of a change this late at most. */
export const HEALTH_INTERVAL_MS = 5 * SECOND_MS;
