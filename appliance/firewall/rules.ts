import { isIPv6 } from 'node:net';
import { connectionLimitRules, connectionLimitSets } from './connection-limits.ts';
import {
  icmpErrors,
  inputDhcp,
  inputNeighbours,
  inputPing,
  mdns,
  outputDhcp,
  outputNeighbours,
  outputPing,
} from './host-rules.ts';
import * as limits from './limits.ts';
import * as nft from './nft/build.ts';
import type { ChainDefinition, ChainHook, RuleDefinition, TableDefinition } from './nft/types.ts';
import { DNS_PORT, type FirewallPolicy, HTTPS_PORT, NTP_PORT, parsePolicy, SSH_PORT } from './policy.ts';

/** The only table this program owns. */
export const FIREWALL_TABLE = { family: 'inet', name: 'bulkhead' } as const;

const BRAKE_IPV4 = 'ssh_brake_ipv4';
const BRAKE_IPV6 = 'ssh_brake_ipv6';

/**
 * The rule set of a policy: default drop in every direction, IPv4 and IPv6, plus what a host needs to live.
 * Pure; the same policy always gives the same rules.
 *
 * @throws BulkheadError FIREWALL_PORT_INVALID
 */
export function firewallTable(policy: FirewallPolicy): TableDefinition {
  const { inputTcpPorts, outputTcpPorts, outputUdpPorts, outputTargets } = parsePolicy(policy);
  const braked = inputTcpPorts.includes(SSH_PORT);
  return {
    ...FIREWALL_TABLE,
    sets: [...(braked ? brakeSets() : []), ...connectionLimitSets(inputTcpPorts)],
    chains: [
      chain('input', [
        nft.rule('loopback', nft.meta('iifname', 'lo'), nft.accept),
        ...inputNeighbours(),
        ...inputPing(),
        ...tracked(),
        ...icmpErrors(),
        ...inputDhcp(),
        ...mdns('in'),
        ...(braked ? brakeRules() : []),
        ...connectionLimitRules(inputTcpPorts),
        ...inputTcpPorts.map((port) =>
          nft.rule(`open port ${port}`, nft.field('tcp', 'dport', port), nft.ctState('new'), nft.accept),
        ),
        // The chatter of a LAN (NetBIOS, SSDP, printers) is dropped before the log, or it would use up the log's limit.
        nft.rule(
          'broadcast and multicast not meant for us',
          nft.meta('pkttype', nft.anyOf('broadcast', 'multicast')),
          nft.counter,
          nft.drop,
        ),
        ...dropLogged('in'),
      ]),
      chain('forward', [nft.rule('an appliance is no router', nft.counter, nft.drop)]),
      chain('output', [
        nft.rule('loopback', nft.meta('oifname', 'lo'), nft.accept),
        ...outputNeighbours(),
        ...tracked(),
        ...icmpErrors(),
        ...outputPing(),
        ...outputDhcp(),
        ...mdns('out'),
        ...outputUdpPorts.map((port) =>
          nft.rule(`reach udp ${port}`, nft.field('udp', 'dport', port), nft.accept),
        ),
        ...outputTcpPorts.map((port) =>
          nft.rule(`reach tcp ${port}`, nft.field('tcp', 'dport', port), nft.ctState('new'), nft.accept),
        ),
        ...outputTargets.map(({ address, port }) =>
          nft.rule(
            `reach ${address} tcp ${port}`,
            nft.field(isIPv6(address) ? 'ip6' : 'ip', 'daddr', address),
            nft.field('tcp', 'dport', port),
            nft.ctState('new'),
            nft.accept,
          ),
        ),
        ...dropLogged('out'),
      ]),
    ],
  };
}

/**
 * What is loaded when the kernel or nft refuses the rules above: no sets, limits or logs, only matches that every nf_tables
 * has. The status page answers and DHCP works, so that a person can read what is wrong; SSH and sensors stay closed.
 */
export function emergencyTable(page: number): TableDefinition {
  const simple = (protocol: 'udp' | 'tcp', port: number) =>
    nft.rule(`${protocol} ${port}`, nft.field(protocol, 'dport', port), nft.accept);
  const icmp = [
    nft.rule('icmp', nft.meta('l4proto', 1), nft.accept),
    nft.rule('icmpv6', nft.meta('l4proto', 58), nft.accept),
  ];
  const established = nft.rule('established', nft.ctState('established', 'related'), nft.accept);
  return {
    ...FIREWALL_TABLE,
    sets: [],
    chains: [
      chain('input', [
        nft.rule('loopback', nft.meta('iifname', 'lo'), nft.accept),
        established,
        ...icmp,
        ...inputDhcp(),
        simple('tcp', page),
      ]),
      chain('forward', []),
      chain('output', [
        nft.rule('loopback', nft.meta('oifname', 'lo'), nft.accept),
        established,
        ...icmp,
        ...outputDhcp(),
        simple('udp', DNS_PORT),
        simple('udp', NTP_PORT),
        simple('tcp', DNS_PORT),
        simple('tcp', HTTPS_PORT),
      ]),
    ],
  };
}

function chain(hook: 'input' | 'forward' | 'output', rules: RuleDefinition[]): ChainDefinition {
  const base: ChainHook = { type: 'filter', hook, prio: 0, policy: 'drop' };
  return { name: hook, hook: base, rules };
}

/** Both directions: what belongs to a connection somebody was allowed to open, and what belongs to none. */
function tracked(): RuleDefinition[] {
  return [
    nft.rule('answers', nft.ctState('established', 'related'), nft.accept),
    nft.rule('belongs to no connection', nft.ctState('invalid'), nft.counter, nft.drop),
  ];
}

function brakeSets(): TableDefinition['sets'] {
  const shared = { size: limits.SSH_WATCHED_ADDRESSES, timeout_s: limits.SSH_FORGET_AFTER_S };
  return [
    { name: BRAKE_IPV4, type: 'ipv4_addr', ...shared },
    { name: BRAKE_IPV6, type: 'ipv6_addr', ...shared },
  ];
}

function brakeRules(): RuleDefinition[] {
  const limit = { rate: limits.SSH_RATE_PER_MINUTE, per: 'minute', burst: limits.SSH_BURST } as const;
  const newSsh = [nft.field('tcp', 'dport', SSH_PORT), nft.ctState('new')];
  return [
    nft.rule(
      'brake on guessing, IPv4',
      ...newSsh,
      nft.overLimitPer(nft.payload('ip', 'saddr'), BRAKE_IPV4, limit),
      nft.counter,
      nft.drop,
    ),
    nft.rule(
      'brake on guessing, IPv6',
      ...newSsh,
      nft.overLimitPer(nft.masked(nft.payload('ip6', 'saddr'), limits.IPV6_NETWORK_MASK), BRAKE_IPV6, limit),
      nft.counter,
      nft.drop,
    ),
  ];
}

function dropLogged(direction: 'in' | 'out'): RuleDefinition[] {
  return [
    nft.rule(
      'some of what is dropped',
      nft.within({
        rate: limits.DROP_LOG_RATE_PER_MINUTE,
        per: 'minute',
        burst: limits.DROP_LOG_BURST,
      }),
      nft.log(`bulkhead dropped ${direction}: `, 'info'),
    ),
    nft.rule('everything else', nft.counter, nft.drop),
  ];
}
