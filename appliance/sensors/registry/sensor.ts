import type { CapabilityTier } from '../../../protocol/healing/tier.ts';

export { CAPABILITY_TIERS, type CapabilityTier } from '../../../protocol/healing/tier.ts';

/** Who let a sensor in: it brought a code, or somebody approved it there. */
export type Admitter = 'code' | 'status_page' | 'coordinator' | 'operator';

/** How it speaks to us. */
export type SensorWay = 'grpc' | 'http';

/** A program on another machine that reports to the appliance, once it was let in. */
export interface Sensor {
  /** `s-` and 16 hex digits. */
  id: string;
  hostname: string;
  way: SensorWay;
  domain: string | null;
  os_version: string;
  agent_version: string;
  mac_address: string | null;
  /** What it may be told to do. */
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
