import { BulkheadError } from '../../base/errors.ts';
import type { Fingerprint } from '../../protocol/messages/fingerprint.ts';
import type { Coordinator } from '../context.ts';
import type { DeviceKeyRow, DeviceRow, DeviceState, PresenceRow } from '../database/tables.ts';
import { CHANGES_PAGE_MAX } from '../limits.ts';
import type { Query } from '../rollouts/cohort/query.ts';
import { cohortPage, plainPage } from './find.ts';
import { type Presence, presenceOf } from './presence.ts';

export interface DeviceQuery {
  state?: DeviceState | undefined;
  /** Part of name, host name, serial number or MAC address. */
  search?: string | undefined;
  cohort?: Query | undefined;
  /** Id of the last one of the page before. */
  after?: string | undefined;
  limit: number;
}

export interface DevicePage {
  devices: DeviceSummary[];
  /** For `after`, to see what comes next; null: that was all. */
  next: string | null;
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

export interface DeviceDetails extends DeviceSummary {
  uptime_s: number | null;
  keys: Pick<DeviceKeyRow, 'key_id' | 'state' | 'added_ms' | 'ended_ms'>[];
  fingerprint: Fingerprint | null;
  reported_ms: number | null;
}

export interface DeviceChange {
  id: string;
  reason: string;
  observed_ms: number;
  received_ms: number;
  changes: { field: string; before: unknown; after: unknown }[];
}

type Joined = DeviceRow & {
  [Field in 'heard_ms' | 'interval_s' | 'uptime_s' | 'update_version' | 'update_state']:
    | PresenceRow[Field]
    | null;
};

/**
 * Devices in the order in which they came. Of a large fleet a cohort is looked for in a part at a time: a page may then hold fewer than
 * `limit` and still have a `next`.
 */
export async function listDevices(coordinator: Coordinator, query: DeviceQuery): Promise<DevicePage> {
  const found =
    query.cohort === undefined
      ? await plainPage(coordinator, query)
      : await cohortPage(coordinator, query, query.cohort);
  return { devices: await readDevices(coordinator, found.ids), next: found.next };
}

/** These devices, in the order in which they came; who is not there any more is left out. */
export async function readDevices(
  coordinator: Coordinator,
  ids: readonly string[],
): Promise<DeviceSummary[]> {
  if (ids.length === 0) return [];
  const rows = await joined(coordinator).where('devices.id', 'in', ids).orderBy('devices.id').execute();
  return rows.map((row) => summaryOf(row, coordinator.now_ms()));
}

/** How many records there are of each state. */
export async function countDevices({ database }: Coordinator): Promise<Record<DeviceState, number>> {
  const rows = await database
    .selectFrom('devices')
    .select((select) => ['state', select.fn.countAll<number>().as('count')])
    .groupBy('state')
    .execute();
  const counts = { pending: 0, approved: 0, refused: 0, revoked: 0, replaced: 0 };
  for (const { state, count } of rows) counts[state] = Number(count);
  return counts;
}

/** What people call each of these; who is not there any more is left out. */
export async function deviceNames(
  { database }: Coordinator,
  ids: readonly string[],
): Promise<Map<string, string>> {
  if (ids.length === 0) return new Map();
  const rows = await database
    .selectFrom('devices')
    .select(['id', 'name', 'hostname'])
    .where('id', 'in', [...new Set(ids)])
    .execute();
  return new Map(rows.map(({ id, name, hostname }) => [id, name ?? hostname]));
}

/** @throws BulkheadError DEVICE_UNKNOWN */
export async function readDevice(coordinator: Coordinator, id: string): Promise<DeviceDetails> {
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
    uptime_s: row.uptime_s,
    keys,
    fingerprint: state ? (JSON.parse(state.fingerprint) as Fingerprint) : null,
    reported_ms: state?.received_ms ?? null,
  };
}

/** What has changed on a device and why, newest first. */
export async function listChanges(
  { database }: Coordinator,
  device_id: string,
  limit = CHANGES_PAGE_MAX,
): Promise<DeviceChange[]> {
  const rows = await database
    .selectFrom('state_changes')
    .selectAll()
    .where('device_id', '=', device_id)
    .orderBy('id', 'desc')
    .limit(Math.min(limit, CHANGES_PAGE_MAX))
    .execute();
  return rows.map(({ id, reason, changes, observed_ms, received_ms }) => ({
    ...{ id, reason, observed_ms, received_ms },
    changes: JSON.parse(changes) as DeviceChange['changes'],
  }));
}

function joined({ database }: Coordinator) {
  return database
    .selectFrom('devices')
    .leftJoin('device_presence', 'device_presence.device_id', 'devices.id')
    .selectAll('devices')
    .select(['heard_ms', 'interval_s', 'uptime_s', 'update_version', 'update_state']);
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
