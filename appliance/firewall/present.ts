import type { FirewallFacts } from './facts.ts';
import { canonicalDefinition, digestOf, ruleCount } from './nft/canonical.ts';
import { ruleText } from './nft/text.ts';
import { openPorts } from './open-ports.ts';
import type { LoadedPolicy } from './operate.ts';
import { firewallTable } from './rules.ts';

/** The intended rules, for `bulkhead firewall show`. */
export interface ShownFirewall {
  table: string;
  rules: number;
  digest: string;
  openPorts: string[];
  reachablePorts: string[];
  /** why this is not all that the configuration asks for; null when it is */
  problem: string | null;
  chains: { name: string; policy: string; rules: { text: string; comment: string | null }[] }[];
}

/** Pure: what a policy comes to. */
export function shownFirewall({ policy, problem }: LoadedPolicy): ShownFirewall {
  const definition = firewallTable(policy);
  const canonical = canonicalDefinition(definition);
  const chains = new Map(canonical.chains.map((chain) => [chain.name, chain]));
  return {
    table: `${definition.family} ${definition.name}`,
    rules: ruleCount(canonical),
    digest: digestOf(canonical),
    openPorts: openPorts(canonical),
    reachablePorts: [
      ...policy.outputTcpPorts.map((port) => `tcp/${port}`),
      ...policy.outputUdpPorts.map((port) => `udp/${port}`),
      ...policy.outputTargets.map(({ address, port }) => `tcp/${port} of ${address}`),
    ],
    problem,
    // In the order they were written, which is the order people think in: input, forward, output.
    chains: definition.chains.map(({ name, hook }) => ({
      name,
      policy: hook?.policy ?? 'none',
      rules: (chains.get(name)?.rules ?? []).map((rule) => ({
        text: ruleText(rule),
        comment: rule.comment,
      })),
    })),
  };
}

export function showText(shown: ShownFirewall): string {
  const lines = [
    `table ${shown.table}: ${shown.rules} rules, SHA-256 ${shown.digest}`,
    `open to the network: ${shown.openPorts.join(', ')}`,
    `reachable from here: ${shown.reachablePorts.join(', ')}`,
    ...(shown.problem === null ? [] : [`warning: ${shown.problem}`]),
  ];
  for (const chain of shown.chains) {
    lines.push('', `${chain.name} (${chain.policy} unless accepted)`);
    for (const rule of chain.rules) {
      lines.push(...(rule.comment === null ? [] : [`  # ${rule.comment}`]), `  ${rule.text}`);
    }
  }
  return lines.join('\n');
}

export function factsText(facts: FirewallFacts): string {
  return [
    facts.message,
    `rules:   ${facts.rules}`,
    `digest:  ${facts.digest ?? 'none'}`,
    `open:    ${facts.openPorts.join(', ') || 'nothing'}`,
    `drift:   ${facts.drift ? 'yes' : 'no'}`,
    `applied: ${facts.appliedAt ?? 'not known'}`,
    `checked: ${facts.checkedAt}`,
  ].join('\n');
}
