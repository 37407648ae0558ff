import type {
  Database,
  DeviceKeyRow,
  DeviceRow,
  DeviceStateRow,
  PresenceRow,
} from '../../coordinator/database/tables.ts';
import { fingerprintOf, keyOf, machineOf } from '../../coordinator/simulate/identity.ts';
import { fingerprintDigest, fingerprintText } from '../../protocol/messages/fingerprint.ts';

/** Rows in one statement: below what either database takes with 23 values each. */
const FILL_ROWS = 500;

/** What such a fleet runs. */
export const FLEET_VERSION = '1.0.0';
const SITES = ['berlin', 'ulm', 'kyoto'];

/**
 * Puts appliances into a database as they stand there after they were let in and have reported once: the rows that enrolment, approval and
 * report write, without the hours that a hundred thousand of them take.
 *
 * @param first index of the first of them in the fleet of `seed`
 */
export async function fillFleet(
  database: Database,
  { seed, first, count, now_ms }: { seed: string; first: number; count: number; now_ms: number },
): Promise<void> {
  for (let begin = first; begin < first + count; begin += FILL_ROWS) {
    const end = Math.min(begin + FILL_ROWS, first + count);
    const rows = Array.from({ length: end - begin }, (_, at) => rowsOf(seed, begin + at, now_ms));
    await database.transaction().execute(async (work) => {
      await work
        .insertInto('devices')
        .values(rows.map(({ device }) => device))
        .execute();
      await work
        .insertInto('device_keys')
        .values(rows.map(({ key }) => key))
        .execute();
      await work
        .insertInto('device_presence')
        .values(rows.map(({ presence }) => presence))
        .execute();
      await work
        .insertInto('device_states')
        .values(rows.map(({ state }) => state))
        .execute();
    });
  }
}

interface Rows {
  device: DeviceRow;
  key: DeviceKeyRow;
  presence: PresenceRow;
  state: DeviceStateRow;
}

function rowsOf(seed: string, index: number, now_ms: number): Rows {
  const id = Bun.randomUUIDv7('hex', now_ms);
  const machine = machineOf(seed, index);
  const { hostname, serial, mac } = machine;
  const { key_id, public_key } = keyOf(seed, index);
  const fingerprint = fingerprintOf(machine, { version: FLEET_VERSION, slot: 'A' });
  const digest = fingerprintDigest(fingerprint);
  return {
    device: {
      ...{ id, state: 'approved', key_id, name: null, hostname, serial, product_uuid: null, mac },
      ...{ hardware: 'hp-t640', agent_version: FLEET_VERSION, image_version: FLEET_VERSION },
      tags: JSON.stringify({ site: SITES[index % SITES.length], rack: String(index % 100) }),
      ...{ code: null, code_expires_ms: null, conflicts: '[]', enrolment_code_id: null, replaced_by: null },
      ...{ created_ms: now_ms, decided_ms: now_ms, decided_by: 'test' },
    },
    key: {
      ...{ key_id, device_id: id, public_key, state: 'active' },
      ...{ added_ms: now_ms, ended_ms: null },
    },
    presence: {
      ...{ device_id: id, sequence: 1, heard_ms: now_ms, interval_s: 60, agent_version: FLEET_VERSION },
      ...{ uptime_s: 60, state_digest: digest, update_version: null, update_state: null },
      waiting_records: null,
    },
    state: {
      ...{ device_id: id, digest, fingerprint: fingerprintText(fingerprint), reason: 'startup' },
      ...{ observed_ms: now_ms, received_ms: now_ms },
    },
  };
}
