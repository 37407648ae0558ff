import {
  type HealCommand as WireCommand,
  CapabilityTier as WireTier,
} from '../../../protocol/sensors/generated/compliance.ts';
import type { HealCommand } from '../commands/commands.ts';
import type { CapabilityTier } from '../registry/sensor.ts';

/** What the appliance says, in the messages of the protocol. */

const TIERS: Readonly<Record<CapabilityTier, WireTier>> = {
  monitor_only: WireTier.MONITOR_ONLY,
  self_heal: WireTier.SELF_HEAL,
  full_remediation: WireTier.FULL_REMEDIATION,
};

export function tierToWire(tier: CapabilityTier): WireTier {
  return TIERS[tier];
}

export function commandToWire({ timeout_s, params, ...command }: HealCommand): WireCommand {
  return { ...command, params: { ...params }, timeout_seconds: timeout_s };
}
