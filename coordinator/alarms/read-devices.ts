import { sql } from 'kysely';
import type { Database } from '../database/tables.ts';
import { OFFLINE_INTERVALS } from '../limits.ts';
import { DEAD_STATES } from '../orders/machine.ts';
import type { QuietFact, UpdateFact } from './facts.ts';
import { FACTS_MAX, IDS_PER_STATEMENT } from './limits.ts';

interface Device {
  id: string;
  name: string;
  image_version: string | null;
  decided_ms: number;
}

/** Approved appliances by id; others are left out. */
export async function readApproved(
  database: Database,
  ids: Iterable<string>,
): Promise<ReadonlyMap<string, Device>> {
  const wanted = [...new Set(ids)];
  const found = new Map<string, Device>();
  for (let at = 0; at < wanted.length; at += IDS_PER_STATEMENT) {
    const rows = await database
      .selectFrom('devices')
      .select(['id', 'name', 'hostname', 'image_version', 'decided_ms', 'created_ms'])
      .where('id', 'in', wanted.slice(at, at + IDS_PER_STATEMENT))
      .where('state', '=', 'approved')
      .execute();
    for (const { id, name, hostname, image_version, decided_ms, created_ms } of rows)
      found.set(id, { id, name: name ?? hostname, image_version, decided_ms: decided_ms ?? created_ms });
  }
  return found;
}

/**
 * Who has not been heard for as long as makes one offline, and who has never been heard.
 *
 * @param open whom there is an alarm about: they are read in any case, so that none is closed because others came before it
 */
export async function readQuiet(
  database: Database,
  at_ms: number,
  open: readonly string[],
): Promise<QuietFact[]> {
  const quiet = sql<boolean>`(heard_ms is null or ${at_ms} - heard_ms >= interval_s * ${OFFLINE_INTERVALS * 1000})`;
  // Asked of the few that are quiet: the table of presences is the small one to read from end to end.
  const approved = sql<boolean>`exists (select 1 from devices
    where devices.id = device_presence.device_id and devices.state = 'approved')`;
  const some = database
    .selectFrom('device_presence')
    .select(['device_id', 'heard_ms', 'interval_s'])
    .where(quiet)
    .where(approved);
  const rows = await some.orderBy('device_id').limit(FACTS_MAX).execute();
  if (rows.length === FACTS_MAX && open.length > 0)
    rows.push(...(await some.where('device_id', 'in', open).execute()));
  const devices = await readApproved(
    database,
    rows.map(({ device_id }) => device_id),
  );
  const facts = new Map<string, QuietFact>();
  for (const { device_id: device, heard_ms, interval_s } of rows) {
    const known = devices.get(device);
    if (!known) continue;
    const { name, decided_ms } = known;
    facts.set(device, { device, name, heard_ms, decided_ms, interval_s });
  }
  return [...facts.values()];
}

/** Whose last update that came to an end did not work, from their orders and from what they say with each heartbeat. */
export async function readFailedUpdates(database: Database): Promise<UpdateFact[]> {
  const dead = await database
    .selectFrom('orders as failed')
    .select(['device_id', 'parameters', 'state', 'result_message'])
    .where('state', 'in', [...DEAD_STATES])
    .where('type', '=', 'update')
    // Nobody fetched it: that is silence, and has an alarm of its own.
    .where('state', '!=', 'expired')
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom('orders as later')
            .select('later.id')
            .whereRef('later.device_id', '=', 'failed.device_id')
            .whereRef('later.id', '>', 'failed.id')
            .where('later.type', '=', 'update')
            .where('later.state', 'in', [...DEAD_STATES, 'succeeded']),
        ),
      ),
    )
    .orderBy('failed.id', 'desc')
    .limit(FACTS_MAX)
    .execute();
  const told = await database
    .selectFrom('device_presence')
    .select(['device_id', 'update_version', 'update_state'])
    .where('update_state', 'in', ['failed', 'rolled_back'])
    .orderBy('device_id')
    .limit(FACTS_MAX)
    .execute();
  const devices = await readApproved(
    database,
    [...dead, ...told].map(({ device_id }) => device_id),
  );
  const facts = new Map<string, UpdateFact>();
  const add = (device: string, about: Pick<UpdateFact, 'version' | 'outcome' | 'message'>) => {
    const known = devices.get(device);
    if (known && !facts.has(device))
      facts.set(device, { device, name: known.name, running: known.image_version, ...about });
  };
  // An order says why, so it comes first.
  for (const { device_id, parameters, state, result_message } of dead) {
    const { version } = JSON.parse(parameters) as { version: string };
    add(device_id, { version, outcome: state, message: result_message });
  }
  for (const { device_id, update_version, update_state } of told)
    if (update_version !== null && update_state !== null)
      add(device_id, { version: update_version, outcome: update_state, message: null });
  return [...facts.values()];
}
