/** Limits of the firewall, each with its reason. */

/** nft answers in milliseconds; under full emulation on a loaded host loading modules was seen to take seconds. */
export const NFT_TIMEOUT_MS = 20_000;

/** Pings answered, all senders together: plenty for monitoring, too few to be used as a load. */
export const PING_RATE_PER_SECOND = 10;
export const PING_BURST = 20;

/** New connections a minute that one address may open to SSH: a person or a script stays below, guessing does not. */
export const SSH_RATE_PER_MINUTE = 10;
export const SSH_BURST = 10;
/** Addresses watched at once; 4096 take about 1 MB of kernel memory. When full, the brake stops braking, keys still guard. */
export const SSH_WATCHED_ADDRESSES = 4096;
/** An address is forgotten this long after its last attempt: longer than the limit needs to refill (60 s). */
export const SSH_FORGET_AFTER_S = 300;
/** IPv6 hosts pick addresses at will inside their /64, so that is what is counted. */
export const IPV6_NETWORK_MASK = 'ffff:ffff:ffff:ffff::';

/** Status page: a person has a few tabs with a stream each, and a few people may come from behind one router. */
export const PAGE_CONNECTIONS_PER_SOURCE_MAX = 64;
/** Of all: far below LimitNOFILE of compliance-agent.service (4,096), which needs files for its databases too. */
export const PAGE_CONNECTIONS_MAX = 512;
/** Sensors by HTTP make a connection for each request and close it: 500 of them behind one router have ten open at a time. */
export const SENSOR_HTTP_CONNECTIONS_PER_SOURCE_MAX = 128;
/** Of all: what the service of the site has memory for (a few kB each, in MemoryHigh= of 320 MB), beside everything else. */
export const SENSOR_HTTP_CONNECTIONS_MAX = 2_000;
/**
 * Sensors by gRPC keep theirs open: 500 behind one router, and room for those that come back. There is no number for all,
 * because the kernel would turn away sensors while strangers hold the places; `sensors/grpc/listener.ts` knows them apart.
 */
export const SENSOR_GRPC_CONNECTIONS_PER_SOURCE_MAX = 640;
/** Addresses with open connections that are counted for each port. Beyond, only the number of all counts. */
export const SOURCES_COUNTED_MAX = 4_096;

/** Log lines about dropped packets, for each direction: a port scan must not fill the journal. */
export const DROP_LOG_RATE_PER_MINUTE = 6;
export const DROP_LOG_BURST = 10;

/** Differences named in one message; the rest is counted. */
export const DIFFERENCES_SHOWN_MAX = 5;

/** TCP and UDP port numbers (RFC 6335); 0 is reserved. */
export const PORT_MIN = 1;
export const PORT_MAX = 65_535;
