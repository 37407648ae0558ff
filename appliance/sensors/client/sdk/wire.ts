import type { CapabilityTier } from '../../../../protocol/healing/tier.ts';
import {
  type DriftEvent,
  type HealingResult,
  type RegisterResponse,
  type HealCommand as WireCommand,
  CapabilityTier as WireTier,
} from '../../../../protocol/sensors/generated/compliance.ts';
import type { HealCommand } from '../../commands/commands.ts';
import type { HealResult } from './heal-journal.ts';
import type { Admission } from './identity.ts';
import { CHECK_INTERVAL_S } from './limits.ts';
import type { SensorEvent } from './reading.ts';

/** What a command is given where it says nothing (protocol). */
const DEFAULT_TIMEOUT_S = 60;

/** Who speaks. */
export interface Sender {
  agent_id: string;
  hostname: string;
}

export function eventToWire(event: SensorEvent, sender: Sender): DriftEvent {
  const { check_type, passed, expected, actual, control, at_s, metadata } = event;
  return {
    ...{ ...sender, check_type, passed, expected, actual },
    ...{ hipaa_control: control ?? '', timestamp: at_s, metadata: { ...metadata } },
  };
}

export function resultToWire({ at_s, artifacts, ...result }: HealResult, sender: Sender): HealingResult {
  return { ...sender, ...result, timestamp: at_s, artifacts: { ...artifacts } };
}

export function commandFromWire({ timeout_seconds, ...command }: WireCommand): HealCommand {
  return { ...command, timeout_s: timeout_seconds > 0 ? timeout_seconds : DEFAULT_TIMEOUT_S };
}

/** What an answer to a registration changes. @param certificate_pem the one there was: an answer without one leaves it */
export function admissionFromWire(response: RegisterResponse, certificate_pem: string): Admission {
  const { agent_id, check_interval_seconds: interval_s, enabled_checks, check_config } = response;
  const { min, max } = CHECK_INTERVAL_S;
  return {
    agent_id,
    certificate_pem:
      response.agent_cert_pem.length > 0 ? response.agent_cert_pem.toString('utf8') : certificate_pem,
    tier: tierFromWire(response.capability_tier),
    check_interval_s: interval_s === 0 ? CHECK_INTERVAL_S.default : Math.min(max, Math.max(min, interval_s)),
    enabled_checks: [...enabled_checks],
    check_config: { ...check_config },
  };
}

/** A tier that this sensor does not know lets it do nothing. */
function tierFromWire(tier: WireTier): CapabilityTier {
  if (tier === WireTier.SELF_HEAL) return 'self_heal';
  return tier === WireTier.FULL_REMEDIATION ? 'full_remediation' : 'monitor_only';
}
