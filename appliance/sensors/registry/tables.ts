import type { Database } from 'bun:sqlite';
import type { StorePart } from '../../site/store/migrations.ts';
import type { Sensor } from './sensor.ts';

export const SENSORS_PART: StorePart = {
  name: 'sensors',
  steps: [
    `
    create table sensors (
      id text primary key,
      hostname text not null,
      way text not null,
      domain text,
      os_version text not null,
      agent_version text not null,
      mac_address text,
      tier text not null,
      admitted_at text not null,
      admitted_by text not null,
      revoked_at text,
      last_heard_at text,
      mode text,
      drift_count integer not null,
      healing_count integer not null
    ) strict, without rowid;
    create table sensor_certificates (
      fingerprint text primary key,
      sensor text not null references sensors (id) on delete cascade,
      issued_ms integer not null,
      expires_ms integer not null
    ) strict, without rowid;`,
    `
    create table sensor_software (
      sensor text primary key references sensors (id) on delete cascade,
      programs text not null
    ) strict, without rowid;`,
  ],
};

/** A client certificate of a sensor. */
export interface SensorCertificate {
  /** SHA-256 of it in DER, lower-case hex. */
  fingerprint: string;
  sensor: string;
  issued_ms: number;
  expires_ms: number;
}

export function readSensors(database: Database): Sensor[] {
  return database.query<Sensor, []>('select * from sensors order by admitted_at, id').all();
}

export function readCertificates(database: Database): SensorCertificate[] {
  return database.query<SensorCertificate, []>('select * from sensor_certificates order by issued_ms').all();
}

export function insertSensor(database: Database, sensor: Sensor): void {
  const names = Object.keys(sensor) as (keyof Sensor)[];
  database
    .query(`insert into sensors (${names.join(', ')}) values (${names.map(() => '?').join(', ')})`)
    .run(...names.map((name) => sensor[name]));
}

/** Columns that change while it is in. */
export type SensorChange = Partial<Omit<Sensor, 'id' | 'way' | 'admitted_at' | 'admitted_by'>>;

export function updateSensor(database: Database, id: string, change: SensorChange): void {
  const names = Object.keys(change) as (keyof SensorChange)[];
  if (names.length === 0) return;
  database
    .query(`update sensors set ${names.map((name) => `${name} = ?`).join(', ')} where id = ?`)
    .run(...names.map((name) => change[name] ?? null), id);
}

export function insertCertificate(database: Database, certificate: SensorCertificate): void {
  const { fingerprint, sensor, issued_ms, expires_ms } = certificate;
  database
    .query('insert into sensor_certificates (fingerprint, sensor, issued_ms, expires_ms) values (?, ?, ?, ?)')
    .run(fingerprint, sensor, issued_ms, expires_ms);
}

export function deleteCertificates(database: Database, fingerprints: readonly string[]): void {
  const statement = database.query('delete from sensor_certificates where fingerprint = ?');
  for (const fingerprint of fingerprints) statement.run(fingerprint);
}
