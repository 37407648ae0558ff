import type { UpdateState } from '../../base/update-states.ts';
import type { MaintenanceWindow } from '../../updater/maintenance-window.ts';
import type { Subject } from './cohort/query.ts';
import type { Policy } from './policy.ts';
import type { Version } from './version.ts';

/**
 * One appliance at the instant of planning, as the coordinator's records and the appliance's own reports have it. An appliance that is
 * missing from a snapshot has been removed from the fleet.
 */
export interface Appliance extends Subject {
  /** False while the version that it reports is on trial: nothing is decided by then. */
  committed: boolean;
  presence: 'online' | 'stale' | 'offline';
  /** Unix time; null: never. */
  last_heard_ms: number | null;
  /** Versions that it tried, gave up, and remembers. */
  rejected: readonly Version[];
  /** No other order that concerns its slots or its power is under way. */
  free: boolean;
  policy: Policy;
  /** Its own window, beside that of the rollout; null: none. */
  window: MaintenanceWindow | null;
  /** What became of the newest order of this rollout; null: there is none. */
  order: OrderSight | null;
}

/** What the coordinator knows of an order. `handed_out` is the point of no return: from then on the appliance may be at it. */
export interface OrderSight {
  id: string;
  fate: 'queued' | 'handed_out' | 'withdrawn';
  /** The appliance's last word on it; null: none yet. */
  state: UpdateState | null;
}
