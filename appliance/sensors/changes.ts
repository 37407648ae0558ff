import { tierAllows } from '../../protocol/healing/tier.ts';
import type { EvidenceEntry, EvidenceLog } from '../evidence/entry.ts';
import type { SensorRegistry } from './registry/registry.ts';
import type { CapabilityTier, Sensor } from './registry/sensor.ts';

/**
 * What people change about sensors that are in: on record before it counts, but for what takes something from one, which nothing may stand
 * in the way of.
 */
export interface SensorChanges {
  /**
   * For good. It is out at once, also when this throws; once more then puts on record what is not yet.
   *
   * @param by who did it, for the record
   * @throws BulkheadError SENSOR_UNKNOWN, and what registry and evidence throw
   */
  revoke(id: string, by: string): Promise<Sensor>;
  /**
   * A lower one counts at once, also when this throws; once more then puts on record what is not yet.
   *
   * @throws BulkheadError SENSOR_UNKNOWN, SENSOR_REVOKED, and what registry and evidence throw
   */
  setTier(id: string, tier: CapabilityTier, by: string): Promise<Sensor>;
}

export function sensorChanges(
  registry: SensorRegistry,
  evidence: Pick<EvidenceLog, 'append'>,
): SensorChanges {
  /** What counts already and is not on record: by sensor, oldest first. */
  const untold = new Map<string, EvidenceEntry[]>();
  const owe = (id: string, entry: EvidenceEntry) => untold.set(id, [...(untold.get(id) ?? []), entry]);
  /** What is owed of a sensor, and one entry more. */
  const tell = async (id: string, more: EvidenceEntry[] = []) => {
    const owed = untold.get(id) ?? [];
    if (owed.length + more.length > 0) await evidence.append([...owed, ...more]);
    const left = (untold.get(id) ?? []).slice(owed.length);
    if (left.length > 0) untold.set(id, left);
    else untold.delete(id);
  };
  /** Done first, and told beside it. */
  const atOnce = async (id: string, change: Promise<Sensor>): Promise<Sensor> => {
    const [written, told] = await Promise.allSettled([change, tell(id)]);
    if (told.status === 'rejected') throw told.reason;
    if (written.status === 'rejected') throw written.reason;
    return written.value;
  };
  return {
    async revoke(id, by) {
      const { hostname, revoked_at } = registry.get(id);
      if (revoked_at === null) owe(id, { kind: 'sensor.revoked', body: { sensor: id, hostname, by } });
      return atOnce(id, registry.revoke(id));
    },
    async setTier(id, tier, by) {
      const { hostname, tier: before, revoked_at } = registry.get(id);
      const body = { sensor: id, hostname, by, from: before, to: tier };
      const changed: EvidenceEntry[] =
        revoked_at === null && before !== tier ? [{ kind: 'sensor.tier_changed', body }] : [];
      if (tierAllows(tier, before)) {
        await tell(id, changed);
        return registry.setTier(id, tier);
      }
      for (const entry of changed) owe(id, entry);
      return atOnce(id, registry.setTier(id, tier));
    },
  };
}
