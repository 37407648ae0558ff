import type { EvidenceLog } from '../evidence/entry.ts';
import type { Findings } from '../findings/findings.ts';
import type { StorePart } from '../site/store/migrations.ts';
import type { SiteStore } from '../site/store/store.ts';
import { createAdmission, type SensorAdmission } from './admission/admission.ts';
import { ADMISSION_PART } from './admission/tables.ts';
import type { SensorCommands } from './commands/commands.ts';
import { createCommands } from './commands/create-commands.ts';
import { COMMANDS_PART } from './commands/results-table.ts';
import { type SensorGrpc, type SensorGrpcParts, serveSensorGrpc } from './grpc/server.ts';
import { type Authority, openAuthority } from './pki/authority.ts';
import { createRegistry, type SensorRegistry } from './registry/registry.ts';
import type { CapabilityTier, Sensor } from './registry/sensor.ts';
import { SENSORS_PART } from './registry/tables.ts';

/** Tables that the sensors' part keeps in the store of the site. */
export const SENSOR_PARTS: readonly StorePart[] = [SENSORS_PART, ADMISSION_PART, COMMANDS_PART];

/** Everything about sensors: who is in, who is let in, what they are told, and the service that they speak to by gRPC. */
export interface Sensors {
  authority: Authority;
  registry: SensorRegistry;
  admission: SensorAdmission;
  commands: SensorCommands;
  /** Begins to listen. Apart, because what is told of detections has to be there before the first one comes. */
  serve(findings: Findings, more?: Partial<SensorGrpcParts>): Promise<SensorGrpc>;
  /** On record, and for good. @param by who did it, for the record @throws BulkheadError SENSOR_UNKNOWN, and what the evidence throws */
  revoke(id: string, by: string): Promise<Sensor>;
  /** @throws BulkheadError SENSOR_UNKNOWN, SENSOR_REVOKED, and what the evidence throws */
  setTier(id: string, tier: CapabilityTier, by: string): Promise<Sensor>;
  stop(): Promise<void>;
}

export interface SensorsParts {
  /** Where the authority keeps its key. */
  folder: string;
  /** With the tables of SENSOR_PARTS. */
  store: SiteStore;
  evidence: Pick<EvidenceLog, 'append'>;
  now: () => Date;
  /** Told what went wrong where nobody waits for an answer. */
  warn: (message: string) => void;
}

/** @throws BulkheadError SENSOR_CA_DAMAGED */
export async function createSensors({ folder, store, evidence, now, warn }: SensorsParts): Promise<Sensors> {
  const now_ms = () => now().getTime();
  const authority = await openAuthority(folder, now);
  const registry = createRegistry({ store, now, warn });
  const admission = createAdmission({ store, registry, evidence, now_ms, warn });
  const commands = createCommands({ store, registry, now_ms, warn });
  let served: SensorGrpc | null = null;
  return {
    ...{ authority, registry, admission, commands },
    async serve(findings, more = {}) {
      const serving = () => store.state().refused === null;
      const parts = { authority, registry, admission, commands, findings, evidence, now, warn, serving };
      served = await serveSensorGrpc({ ...parts, ...more });
      return served;
    },
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
    async stop() {
      await served?.stop();
      await registry.stop();
    },
  };
}
