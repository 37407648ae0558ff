import type { Rule } from '../../../protocol/healing/rule.ts';

/** A rule for the firewall of a Linux machine; what is given counts instead. For tests. */
export function exampleRule(changed: Partial<Rule> = {}): Rule {
  return {
    ...{
      id: 'firewall',
      title: 'the firewall is off',
      enabled: true,
      check_type: 'firewall',
      platform: 'linux',
    },
    ...{ conditions: [], action: 'enable_firewall', params: {}, priority: 10, cooldown_s: 600, retries: 2 },
    ...{ settle_s: 0, tier: 'self_heal' },
    ...changed,
  };
}
