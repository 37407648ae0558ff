import { sql } from 'kysely';
import { BulkheadError } from '../../base/errors.ts';
import type { Fingerprint } from '../../protocol/messages/fingerprint.ts';
import type { Coordinator } from '../context.ts';
import type { DeviceRow, DeviceState, PresenceRow } from '../database/tables.ts';
import { CHANGES_PAGE_MAX } from '../limits.ts';
import { type Presence, presenceOf } from './presence.ts';

export interface DeviceQuery {
  state?: DeviceState | undefined;
  /** Part of name, host name, serial number or MAC address. */
  search?: string | undefined;
  /** Id of the last one of the page before. */
  after?: string | undefined;
  limit: number;
}

export interface DeviceSummary {
  id: string;
  state: DeviceState;
  key_id: string;
  name: string | null;
  hostname: string;
  serial: string | null;
  mac: string | null;
  hardware: string | null;
  agent_version: string;
  image_version: string | null;
  tags: Record<string, string>;
  conflicts: string[];
  replaced_by: string | null;
  created_ms: number;
  decided_ms: number | null;
  decided_by: string | null;
  presence: Presence;
  heard_ms: number | null;
  update: { version: string; state: string } | null;
}

const SEARCHED = ['name', 'hostname', 'serial', 'mac'];

type Joined = DeviceRow & {
  [Field in 'heard_ms' | 'interval_s' | 'update_version' | 'update_state']: PresenceRow[Field] | null;
};

/** Devices in the order in which they came. */
export async function listDevices(coordinator: Coordinator, query: DeviceQuery): Promise<DeviceSummary[]> {
  let rows = joined(coordinator).orderBy('devices.id').limit(query.limit);
  if (query.state !== undefined) rows = rows.where('devices.state', '=', query.state);
  if (query.after !== undefined) rows = rows.where('devices.id', '>', query.after);
  if (query.search !== undefined) {
    const part = `%${query.search.toLowerCase().replace(/[%_!]/g, '!$&')}%`;
    rows = rows.where((where) =>
      where.or(
        SEARCHED.map(
          (column) => sql<boolean>`lower(${sql.ref(`devices.${column}`)}) like ${part} escape '!'`,
        ),
      ),
    );
  }
  return (await rows.execute()).map((row) => summaryOf(row, coordinator.now_ms()));
}

/** @throws BulkheadError DEVICE_UNKNOWN */
export async function readDevice(coordinator: Coordinator, id: string) {
  const { database } = coordinator;
  const row = await joined(coordinator).where('devices.id', '=', id).executeTakeFirst();
  if (!row) throw new BulkheadError('DEVICE_UNKNOWN', `there is no device ${id}`);
  const state = await database
    .selectFrom('device_states')
    .selectAll()
    .where('device_id', '=', id)
    .executeTakeFirst();
  const keys = await database
    .selectFrom('device_keys')
    .select(['key_id', 'state', 'added_ms', 'ended_ms'])
    .where('device_id', '=', id)
    .orderBy('added_ms')
    .execute();
  return {
    ...summaryOf(row, coordinator.now_ms()),
    keys,
    fingerprint: state ? (JSON.parse(state.fingerprint) as Fingerprint) : null,
    reported_ms: state?.received_ms ?? null,
  };
}

/** What has changed on a device and why, newest first. */
export async function listChanges({ database }: Coordinator, device_id: string, limit = CHANGES_PAGE_MAX) {
  const rows = await database
    .selectFrom('state_changes')
    .selectAll()
    .where('device_id', '=', device_id)
    .orderBy('id', 'desc')
    .limit(Math.min(limit, CHANGES_PAGE_MAX))
    .execute();
  return rows.map(({ id, reason, changes, observed_ms, received_ms }) => ({
    ...{ id, reason, observed_ms, received_ms },
    changes: JSON.parse(changes) as { field: string; before: unknown; after: unknown }[],
  }));
}

function joined({ database }: Coordinator) {
  return database
    .selectFrom('devices')
    .leftJoin('device_presence', 'device_presence.device_id', 'devices.id')
    .selectAll('devices')
    .select(['heard_ms', 'interval_s', 'update_version', 'update_state']);
}

function summaryOf(row: Joined, now_ms: number): DeviceSummary {
  const { id, state, key_id, name, hostname, serial, mac, hardware, agent_version, image_version } = row;
  const { replaced_by, created_ms, decided_ms, decided_by, heard_ms, update_version, update_state } = row;
  return {
    ...{ id, state, key_id, name, hostname, serial, mac, hardware, agent_version, image_version },
    ...{ replaced_by, created_ms, decided_ms, decided_by, heard_ms },
    tags: JSON.parse(row.tags) as Record<string, string>,
    conflicts: JSON.parse(row.conflicts) as string[],
    presence: presenceOf({ heard_ms, interval_s: row.interval_s ?? 0 }, now_ms),
    update:
      update_version === null || update_state === null
        ? null
        : { version: update_version, state: update_state },
  };
}
