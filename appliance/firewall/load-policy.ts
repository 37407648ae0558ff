import { describeError } from '../../base/errors.ts';
import { loadConfig } from '../config/load.ts';
import type { LoadedPolicy } from './operate.ts';
import {
  coordinatorPortOf,
  type FirewallPolicy,
  firewallPolicyFor,
  NOTHING_CONFIGURED,
  type OutputTarget,
} from './policy.ts';

/** The part of the configuration that decides about ports. */
export interface PolicyConfig {
  ssh: { authorized_keys: readonly string[] };
  coordinator: { url: string | null };
  sensors: { enabled: boolean };
  targets: readonly OutputTarget[];
}

/**
 * The policy of the configuration in force. Never throws: a boot must not end without a firewall because a file is broken.
 * With a refused layer it is the policy of the layers below, with anything worse the built-in one; `problem` then says where.
 */
export function loadPolicyFromConfiguration(load: typeof loadConfig = loadConfig): LoadedPolicy {
  try {
    const { config, problems, refused } = load();
    if (refused.length === 0) return { policy: policyOf(config), problem: null };
    // Place and key only: the facts are readable by everybody, what is written there may be a secret.
    const places = problems
      .filter((problem) => problem.severity === 'error')
      .map(({ source, line, key }) => [source, line, key].filter((part) => part !== null).join(':'));
    return {
      policy: policyOf(config),
      problem: `the ${refused.join(' and ')} configuration is refused, see ${places.join(', ')}`,
    };
  } catch (error) {
    return {
      policy: firewallPolicyFor(NOTHING_CONFIGURED),
      problem: `the configuration cannot be used: ${describeError(error)}`,
    };
  }
}

/** Pure: which ports a configuration needs. */
export function policyOf(config: PolicyConfig): FirewallPolicy {
  return firewallPolicyFor({
    sshEnabled: config.ssh.authorized_keys.length > 0,
    sensorsEnabled: config.sensors.enabled,
    coordinatorPort: coordinatorPortOf(config.coordinator.url),
    targets: config.targets,
  });
}
