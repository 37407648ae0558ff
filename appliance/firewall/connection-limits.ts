import * as limits from './limits.ts';
import * as nft from './nft/build.ts';
import type { RuleDefinition, SetDefinition } from './nft/types.ts';
import { SENSOR_GRPC_PORT, SENSOR_HTTP_PORT, STATUS_PAGE_PORT } from './policy.ts';

/** How many connections to one port may be open at a time. */
interface ConnectionLimit {
  port: number;
  /** of one source: an IPv4 address, or the /64 of an IPv6 address */
  per_source_max: number;
  /** of all sources; null: the program behind the port counts by itself, and knows whom to keep */
  in_all_max: number | null;
}

const CONNECTION_LIMITS: readonly ConnectionLimit[] = [
  {
    port: STATUS_PAGE_PORT,
    per_source_max: limits.PAGE_CONNECTIONS_PER_SOURCE_MAX,
    in_all_max: limits.PAGE_CONNECTIONS_MAX,
  },
  {
    port: SENSOR_HTTP_PORT,
    per_source_max: limits.SENSOR_HTTP_CONNECTIONS_PER_SOURCE_MAX,
    in_all_max: limits.SENSOR_HTTP_CONNECTIONS_MAX,
  },
  {
    port: SENSOR_GRPC_PORT,
    per_source_max: limits.SENSOR_GRPC_CONNECTIONS_PER_SOURCE_MAX,
    in_all_max: null,
  },
];

/** The sets in which the kernel counts, for those of the ports that have a limit. */
export function connectionLimitSets(ports: readonly number[]): SetDefinition[] {
  // No time-out: the kernel forgets a source with its last connection, and one that keeps them must not be forgotten before.
  const size = limits.SOURCES_COUNTED_MAX;
  return limitsOf(ports).flatMap(({ port }) => [
    { name: setName(port, 'ipv4'), type: 'ipv4_addr', size },
    { name: setName(port, 'ipv6'), type: 'ipv6_addr', size },
  ]);
}

/**
 * Drops what asks for one connection too many. Has to stand in front of the rules that open the ports and behind the one for
 * answers, so that only new connections are counted and those that are open stay.
 */
export function connectionLimitRules(ports: readonly number[]): RuleDefinition[] {
  const source4 = nft.payload('ip', 'saddr');
  const source6 = nft.masked(nft.payload('ip6', 'saddr'), limits.IPV6_NETWORK_MASK);
  return limitsOf(ports).flatMap(({ port, per_source_max, in_all_max }) => {
    const asked = [nft.field('tcp', 'dport', port), nft.ctState('new')];
    const beyond = (what: string, ...over: Parameters<typeof nft.rule>[1][]) =>
      nft.rule(`too many connections ${what}, port ${port}`, ...asked, ...over, nft.counter, nft.drop);
    return [
      beyond('of one IPv4 address', nft.overCountPer(source4, setName(port, 'ipv4'), per_source_max)),
      beyond('of one IPv6 network', nft.overCountPer(source6, setName(port, 'ipv6'), per_source_max)),
      // Behind the two above: what one source has too many does not count here.
      ...(in_all_max === null ? [] : [beyond('in all', nft.overCount(in_all_max))]),
    ];
  });
}

function limitsOf(ports: readonly number[]): ConnectionLimit[] {
  return CONNECTION_LIMITS.filter(({ port }) => ports.includes(port));
}

function setName(port: number, family: 'ipv4' | 'ipv6'): string {
  return `connections_${port}_${family}`;
}
