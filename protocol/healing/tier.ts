/** What may be done to a machine, from nothing to everything on the list of actions. */
export const CAPABILITY_TIERS = ['monitor_only', 'self_heal', 'full_remediation'] as const;
export type CapabilityTier = (typeof CAPABILITY_TIERS)[number];

/** Whether a machine of one tier may have done to it what needs another. */
export function tierAllows(has: CapabilityTier, needs: CapabilityTier): boolean {
  return CAPABILITY_TIERS.indexOf(has) >= CAPABILITY_TIERS.indexOf(needs);
}
