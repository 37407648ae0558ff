import type { EvidenceEntry, EvidenceLog } from '../evidence/entry.ts';
import type { SensorRegistry } from './registry/registry.ts';
import type { CapabilityTier, Sensor } from './registry/sensor.ts';

/** What people change about sensors that are in: on record before it counts, but for putting one out, which nothing may stand in the way of. */
export interface SensorChanges {
  /**
   * For good. It is out at once, also when this throws; once more then puts on record what is not yet.
   *
   * @param by who did it, for the record
   * @throws BulkheadError SENSOR_UNKNOWN, and what registry and evidence throw
   */
  revoke(id: string, by: string): Promise<Sensor>;
  /** @throws BulkheadError SENSOR_UNKNOWN, SENSOR_REVOKED, and what the evidence throws */
  setTier(id: string, tier: CapabilityTier, by: string): Promise<Sensor>;
}

export function sensorChanges(
  registry: SensorRegistry,
  evidence: Pick<EvidenceLog, 'append'>,
): SensorChanges {
  /** Of those who are out, what is not on record. */
  const untold = new Map<string, EvidenceEntry>();
  return {
    async revoke(id, by) {
      const { hostname, revoked_at } = registry.get(id);
      if (revoked_at === null) untold.set(id, { kind: 'sensor.revoked', body: { sensor: id, hostname, by } });
      const entry = untold.get(id);
      const [written, told] = await Promise.allSettled([
        registry.revoke(id),
        entry && evidence.append([entry]),
      ]);
      if (told.status === 'rejected') throw told.reason;
      untold.delete(id);
      if (written.status === 'rejected') throw written.reason;
      return written.value;
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
