import { BulkheadError, describeError } from '../../../base/errors.ts';
import { tierAllows } from '../../../protocol/healing/tier.ts';
import type { SiteStore } from '../../site/store/store.ts';
import { CERTIFICATES_PER_SENSOR_MAX, HEARD_FLUSH_MS, REVOKED_MAX, SENSORS_MAX } from './limits.ts';
import type { CapabilityTier, Sensor } from './sensor.ts';
import { createSoftware, type SensorSoftware } from './software.ts';
import {
  deleteCertificates,
  insertCertificate,
  insertSensor,
  readCertificates,
  readSensors,
  type SensorCertificate,
  type SensorChange,
  updateSensor,
} from './tables.ts';

/** What a heartbeat tells; null: it does not say. */
export interface Heard {
  mode?: string | null;
  drift_count: number | null;
  healing_count?: number | null;
  agent_version: string | null;
}

/** Who is in. Reads are from memory; what changes is on the disk before it counts. */
export interface SensorRegistry {
  find(id: string): Sensor | null;
  /** @throws BulkheadError SENSOR_UNKNOWN */
  get(id: string): Sensor;
  /** In the order in which they were let in, revoked ones included. */
  list(): Sensor[];
  /** Whose certificate it is, revoked or not; null: nobody's. */
  byCertificate(fingerprint: string): { sensor: Sensor; certificate: SensorCertificate } | null;
  /** @param also more for the same transaction @throws BulkheadError SENSORS_MAX and what the store throws */
  add(sensor: Sensor, also?: Parameters<SiteStore['write']>[0]): Promise<Sensor>;
  /** What it says of itself when it registers. */
  describe(
    id: string,
    change: Pick<Sensor, 'hostname' | 'os_version' | 'agent_version' | 'mac_address'>,
  ): Promise<void>;
  /** What is installed on their machines. */
  readonly software: SensorSoftware;
  addCertificate(certificate: SensorCertificate): Promise<void>;
  /** A certificate was shown: older ones of the same sensor end. */
  certificateUsed(certificate: SensorCertificate): void;
  /** It has said something just now. Written every HEARD_FLUSH_MS. @param said null: anything but a heartbeat */
  heard(id: string, said: Heard | null): void;
  /**
   * A lower one counts for this process at once, also when this throws because it cannot be written; it is then written as soon as it
   * can be. A higher one counts when it is on the disk.
   *
   * @throws BulkheadError SENSOR_UNKNOWN, SENSOR_REVOKED, and what the store throws
   */
  setTier(id: string, tier: CapabilityTier): Promise<Sensor>;
  /**
   * For good: it has to be let in again, under another name. Once more is the same as once. It is out for this process at once, also when
   * this throws because it cannot be written; it is then written as soon as it can be.
   *
   * @throws BulkheadError SENSOR_UNKNOWN, and what the store throws
   */
  revoke(id: string): Promise<Sensor>;
  /** Called at once. @returns ends it */
  onRevoked(listener: (sensor: Sensor) => void): () => void;
  /** Writes what was heard. */
  flush(): Promise<void>;
  stop(): Promise<void>;
}

export interface RegistryParts {
  /** With the tables of SENSORS_PART. */
  store: SiteStore;
  now: () => Date;
  /** Told what went wrong where nobody waits for an answer. */
  warn: (message: string) => void;
}

export function createRegistry({ store, now, warn }: RegistryParts): SensorRegistry {
  const sensors = new Map(readSensors(store.database).map((sensor) => [sensor.id, sensor]));
  const certificates = new Map(
    readCertificates(store.database).map((certificate) => [certificate.fingerprint, certificate]),
  );
  const lastUsed = new Map<string, string>();
  const unwritten = new Set<string>();
  const listeners = new Set<(sensor: Sensor) => void>();

  const known = (id: string): Sensor => {
    const sensor = sensors.get(id);
    if (sensor) return sensor;
    throw new BulkheadError('SENSOR_UNKNOWN', `there is no sensor ${id}`, {
      hint: "'bulkhead sensors list' has them",
    });
  };
  const change = async (id: string, changed: SensorChange): Promise<Sensor> => {
    await store.write((file) => updateSensor(file, id, changed));
    const sensor = { ...known(id), ...changed };
    sensors.set(id, sensor);
    return sensor;
  };
  const forget = async (fingerprints: readonly string[]) => {
    if (fingerprints.length === 0) return;
    await store.write((file) => deleteCertificates(file, fingerprints));
    for (const fingerprint of fingerprints) certificates.delete(fingerprint);
  };
  const of = (id: string) => [...certificates.values()].filter(({ sensor }) => sensor === id);
  const flush = async () => {
    const ids = [...unwritten];
    unwritten.clear();
    if (ids.length === 0) return;
    const rows = ids.flatMap((id) => sensors.get(id) ?? []);
    try {
      await store.write((file) => {
        for (const { id, last_heard_at, mode, drift_count, healing_count, agent_version, ...row } of rows)
          updateSensor(file, id, {
            ...{ last_heard_at, mode, drift_count, healing_count, agent_version },
            ...{ tier: row.tier, revoked_at: row.revoked_at },
          });
      }, rows.length * 64);
    } catch (error) {
      for (const id of ids) unwritten.add(id);
      throw error;
    }
  };
  const timer = setInterval(
    () =>
      void flush().catch((error) => warn(`when sensors were heard is not written: ${describeError(error)}`)),
    HEARD_FLUSH_MS,
  );

  return {
    find: (id) => sensors.get(id) ?? null,
    get: known,
    software: createSoftware(store),
    list: () => [...sensors.values()],
    byCertificate(fingerprint) {
      const certificate = certificates.get(fingerprint);
      const sensor = certificate && sensors.get(certificate.sensor);
      return certificate && sensor ? { sensor, certificate } : null;
    },
    async add(sensor, also) {
      const all = [...sensors.values()];
      const revoked = all.filter(({ revoked_at }) => revoked_at !== null);
      if (all.length - revoked.length >= SENSORS_MAX)
        throw new BulkheadError('SENSORS_MAX', `${SENSORS_MAX} sensors are in already`, {
          hint: "revoke those that are gone: 'bulkhead sensors list'",
        });
      const excess = revoked.slice(0, Math.max(0, revoked.length - REVOKED_MAX)).map(({ id }) => id);
      await store.write((file) => {
        also?.(file);
        insertSensor(file, sensor);
        for (const id of excess) file.query('delete from sensors where id = ?').run(id);
      }, 512);
      for (const id of excess) sensors.delete(id);
      sensors.set(sensor.id, sensor);
      return sensor;
    },
    describe: async (id, said) => {
      const { hostname, os_version, agent_version, mac_address } = known(id);
      if (!Bun.deepEquals({ hostname, os_version, agent_version, mac_address }, said)) await change(id, said);
    },
    async addCertificate(certificate) {
      const excess = of(certificate.sensor)
        .slice(0, -(CERTIFICATES_PER_SENSOR_MAX - 1))
        .map(({ fingerprint }) => fingerprint);
      await store.write((file) => {
        deleteCertificates(file, excess);
        insertCertificate(file, certificate);
      });
      for (const fingerprint of excess) certificates.delete(fingerprint);
      certificates.set(certificate.fingerprint, certificate);
    },
    certificateUsed({ sensor, issued_ms, fingerprint }) {
      if (lastUsed.get(sensor) === fingerprint) return;
      lastUsed.set(sensor, fingerprint);
      const older = of(sensor).filter((other) => other.issued_ms < issued_ms);
      void forget(older.map(({ fingerprint }) => fingerprint)).catch((error) =>
        warn(`certificates of ${sensor} that were replaced are still known: ${describeError(error)}`),
      );
    },
    heard(id, said) {
      const sensor = sensors.get(id);
      if (!sensor) return;
      sensors.set(id, {
        ...sensor,
        last_heard_at: now().toISOString(),
        mode: said?.mode ?? sensor.mode,
        drift_count: said?.drift_count ?? sensor.drift_count,
        healing_count: said?.healing_count ?? sensor.healing_count,
        agent_version: said?.agent_version || sensor.agent_version,
      });
      unwritten.add(id);
    },
    async setTier(id, tier) {
      const before = known(id);
      const { revoked_at } = before;
      if (revoked_at !== null)
        throw new BulkheadError('SENSOR_REVOKED', `${id} was revoked at ${revoked_at}`, {
          hint: 'it has to be let in again',
        });
      if (!tierAllows(tier, before.tier)) {
        sensors.set(id, { ...before, tier });
        unwritten.add(id);
      }
      return change(id, { tier });
    },
    async revoke(id) {
      const before = known(id);
      if (before.revoked_at !== null && !unwritten.has(id)) return before;
      if (before.revoked_at === null) {
        // Nothing may stand in the way of putting somebody out, least of all a disk that he has filled.
        const sensor = { ...before, revoked_at: now().toISOString() };
        sensors.set(id, sensor);
        unwritten.add(id);
        for (const listener of listeners) listener(sensor);
      }
      const { revoked_at } = known(id);
      await store.write((file) => updateSensor(file, id, { revoked_at }));
      return known(id);
    },
    onRevoked(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    flush,
    async stop() {
      clearInterval(timer);
      await flush();
    },
  };
}
