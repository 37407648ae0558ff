/** A program on another machine that reports to the appliance, once it was let in. */

/** What a sensor may be told to do; the order is that of the wire (REFERENCE: CapabilityTier 0, 1, 2). */
export const CAPABILITY_TIERS = ['monitor_only', 'self_heal', 'full_remediation'] as const;
export type CapabilityTier = (typeof CAPABILITY_TIERS)[number];

/** Who let it in. */
export type Admitter = 'code' | 'status_page' | 'coordinator' | 'operator';

/** How it speaks to us. */
export type SensorWay = 'grpc' | 'http';

export interface Sensor {
  /** `s-` and 16 hex digits. */
  id: string;
  hostname: string;
  way: SensorWay;
  domain: string | null;
  os_version: string;
  agent_version: string;
  mac_address: string | null;
  tier: CapabilityTier;
  /** Times are ISO 8601 in UTC. */
  admitted_at: string;
  admitted_by: Admitter;
  revoked_at: string | null;
  /** null until it has said something behind its admission. */
  last_heard_at: string | null;
  /** As an HTTP sensor names its mode; null where it names none. */
  mode: string | null;
  /** As its last heartbeat counted. */
  drift_count: number;
  healing_count: number;
}
