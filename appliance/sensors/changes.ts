import type { EvidenceLog } from '../evidence/entry.ts';
import type { SensorRegistry } from './registry/registry.ts';
import type { CapabilityTier, Sensor } from './registry/sensor.ts';

/** What people change about sensors that are in: on record before it counts. */
export interface SensorChanges {
  /** For good. @param by who did it, for the record @throws BulkheadError SENSOR_UNKNOWN, and what the evidence throws */
  revoke(id: string, by: string): Promise<Sensor>;
  /** @throws BulkheadError SENSOR_UNKNOWN, SENSOR_REVOKED, and what the evidence throws */
  setTier(id: string, tier: CapabilityTier, by: string): Promise<Sensor>;
}

export function sensorChanges(
  registry: SensorRegistry,
  evidence: Pick<EvidenceLog, 'append'>,
): SensorChanges {
  return {
    async revoke(id, by) {
      const { hostname, revoked_at } = registry.get(id);
      if (revoked_at === null)
        await evidence.append([{ kind: 'sensor.revoked', body: { sensor: id, hostname, by } }]);
      return registry.revoke(id);
    },
    async setTier(id, tier, by) {
      const { hostname, tier: before, revoked_at } = registry.get(id);
      if (revoked_at === null && before !== tier)
        await evidence.append([
          { kind: 'sensor.tier_changed', body: { sensor: id, hostname, by, from: before, to: tier } },
        ]);
      return registry.setTier(id, tier);
    },
  };
}
