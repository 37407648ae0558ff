import { PING_BURST, PING_RATE_PER_SECOND } from './limits.ts';
import * as nft from './nft/build.ts';
import type { RightExpression, RuleDefinition, Statement } from './nft/types.ts';

/**
 * What any host needs to live on a network with a default drop: neighbours, routers, addresses, names of the link, errors.
 * Each group is a list of rules for one direction.
 */

/** ICMP errors (RFC 792, RFC 4443): without them path MTU discovery hangs and failures become time-outs (RFC 4890). */
const ICMP_ERRORS = nft.anyOf('destination-unreachable', 'time-exceeded', 'parameter-problem');
const ICMPV6_ERRORS = nft.anyOf(
  'destination-unreachable',
  'packet-too-big',
  'time-exceeded',
  'parameter-problem',
);
const LINK_LOCAL = nft.prefix('fe80::', 10);
const IGMP = 2;
const MDNS_PORT = 5353;
const MDNS_IPV4 = '224.0.0.251';
const MDNS_IPV6 = 'ff02::fb';

/**
 * IPv6 finds neighbours and routers by ICMPv6, so this comes before anything that could drop: hop limit 255 proves that the
 * sender is on the link (RFC 4861, 7.1). Redirects are left out: one router is enough, and they only serve an attacker.
 */
export function inputNeighbours(): RuleDefinition[] {
  return [
    nft.rule(
      'neighbour and router discovery',
      nft.field('ip6', 'hoplimit', 255),
      icmpv6(nft.anyOf('nd-router-advert', 'nd-neighbor-solicit', 'nd-neighbor-advert')),
      nft.accept,
    ),
    // RFC 2710, 3: listener messages come from link-local addresses. 143 is MLDv2 (RFC 3810).
    nft.rule(
      'multicast listeners, IPv6',
      nft.field('ip6', 'saddr', LINK_LOCAL),
      icmpv6(
        nft.anyOf('mld-listener-query', 'mld-listener-report', 'mld-listener-done', 'mld2-listener-report'),
      ),
      nft.accept,
    ),
    nft.rule('multicast listeners, IPv4', nft.field('ip', 'protocol', IGMP), nft.accept),
  ];
}

export function outputNeighbours(): RuleDefinition[] {
  return [
    nft.rule(
      'neighbour and router discovery',
      nft.field('ip6', 'hoplimit', 255),
      icmpv6(nft.anyOf('nd-router-solicit', 'nd-neighbor-solicit', 'nd-neighbor-advert')),
      nft.accept,
    ),
    // Switches with snooping forward multicast (mDNS, neighbour discovery) only to ports that reported a listener.
    nft.rule(
      'multicast listeners, IPv6',
      icmpv6(nft.anyOf('mld-listener-report', 'mld-listener-done', 'mld2-listener-report')),
      nft.accept,
    ),
    nft.rule('multicast listeners, IPv4', nft.field('ip', 'protocol', IGMP), nft.accept),
  ];
}

/**
 * Has to stand before "answers": once one ping was answered, the next ones of the same program count as established and would
 * pass any limit behind it.
 */
export function inputPing(): RuleDefinition[] {
  const rate = nft.within({ rate: PING_RATE_PER_SECOND, per: 'second', burst: PING_BURST });
  return [
    nft.rule('ping, IPv4', icmp('echo-request'), rate, nft.accept),
    nft.rule('ping, IPv6', icmpv6('echo-request'), rate, nft.accept),
    nft.rule('too many pings, IPv4', icmp('echo-request'), nft.counter, nft.drop),
    nft.rule('too many pings, IPv6', icmpv6('echo-request'), nft.counter, nft.drop),
  ];
}

export function icmpErrors(): RuleDefinition[] {
  return [
    nft.rule('ICMP errors', icmp(ICMP_ERRORS), nft.accept),
    nft.rule('ICMPv6 errors', icmpv6(ICMPV6_ERRORS), nft.accept),
  ];
}

export function outputPing(): RuleDefinition[] {
  return [
    nft.rule('ping, IPv4', icmp('echo-request'), nft.accept),
    nft.rule('ping, IPv6', icmpv6('echo-request'), nft.accept),
  ];
}

/** Answers to a broadcast or multicast question belong to no tracked connection, so they need rules of their own. */
export function inputDhcp(): RuleDefinition[] {
  return [
    nft.rule('DHCP answers', nft.meta('nfproto', 'ipv4'), ...udp(67, 68), nft.accept),
    nft.rule('DHCPv6 answers', nft.field('ip6', 'daddr', LINK_LOCAL), ...udp(547, 546), nft.accept),
  ];
}

export function outputDhcp(): RuleDefinition[] {
  return [
    nft.rule('DHCP questions', nft.meta('nfproto', 'ipv4'), ...udp(68, 67), nft.accept),
    nft.rule('DHCPv6 questions', nft.meta('nfproto', 'ipv6'), ...udp(546, 547), nft.accept),
  ];
}

export function mdns(direction: 'in' | 'out'): RuleDefinition[] {
  return [
    nft.rule(
      `mDNS ${direction}, IPv4`,
      nft.field('ip', 'daddr', MDNS_IPV4),
      nft.field('udp', 'dport', MDNS_PORT),
      nft.accept,
    ),
    nft.rule(
      `mDNS ${direction}, IPv6`,
      nft.field('ip6', 'daddr', MDNS_IPV6),
      nft.field('udp', 'dport', MDNS_PORT),
      nft.accept,
    ),
  ];
}

function icmp(type: RightExpression): Statement {
  return nft.field('icmp', 'type', type);
}

function icmpv6(type: RightExpression): Statement {
  return nft.field('icmpv6', 'type', type);
}

function udp(sport: number, dport: number): Statement[] {
  return [nft.field('udp', 'sport', sport), nft.field('udp', 'dport', dport)];
}
