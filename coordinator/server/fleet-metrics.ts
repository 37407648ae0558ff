import { type RawBuilder, sql } from 'kysely';
import { Gauge, Registry } from 'prom-client';
import { ALARM_KINDS } from '../alarms/kinds.ts';
import { countAlarms } from '../alarms/look.ts';
import { OPEN_JOB_STATES } from '../builds/machine.ts';
import type { Coordinator } from '../context.ts';
import { countDeliveries } from '../delivery/queue.ts';
import { PRESENCES } from '../devices/presence.ts';
import { OFFLINE_INTERVALS, ONLINE_INTERVALS, VERSIONS_COUNTED_MAX } from '../limits.ts';
import { OPEN_STATES } from '../orders/machine.ts';
import { PHASES } from '../rollouts/plan.ts';
import { countOpen, countSensors } from '../site/read.ts';

/** One metric: a number for each value of its label, or a single one under an empty value. */
interface Reading {
  name: string;
  help: string;
  label?: string;
  read(coordinator: Coordinator): Promise<Iterable<readonly [value: string, count: number]>>;
}

const READINGS: readonly Reading[] = [
  {
    ...{ name: 'devices', help: 'Records of appliances by state.', label: 'state' },
    read: ({ database }) =>
      pairs(sql`select state as label, count(*) as number from devices group by state`, database),
  },
  {
    ...{ name: 'devices_present', help: 'Approved appliances by presence.', label: 'presence' },
    read: readPresences,
  },
  {
    ...{ name: 'devices_version', help: 'Approved appliances by what they run.', label: 'version' },
    // A label must not have as many values as there are boxes that lie about it.
    read: ({ database }) =>
      pairs(
        sql`select coalesce(image_version, 'unknown') as label, count(*) as number from devices
          where state = 'approved' group by 1 order by 2 desc, 1 limit ${VERSIONS_COUNTED_MAX}`,
        database,
      ),
  },
  ...openWork('orders', 'order', 'Orders', OPEN_STATES),
  {
    ...{ name: 'rollouts_open', help: 'Rollouts that somebody is still at, by phase.', label: 'phase' },
    read: async ({ database }) =>
      all(
        PHASES,
        await pairs(
          sql`select phase as label, count(*) as number from rollouts where settled = 0 group by phase`,
          database,
        ),
      ),
  },
  ...openWork('jobs', 'build', 'Builds', OPEN_JOB_STATES),
  {
    ...{ name: 'alarms_open', help: 'Alarms that are open, by kind.', label: 'kind' },
    read: async (coordinator) => all(ALARM_KINDS, Object.entries((await countAlarms(coordinator)).open)),
  },
  {
    ...{ name: 'alarms_unacknowledged', help: 'Open alarms that nobody has acknowledged.' },
    read: async (coordinator) => [['', (await countAlarms(coordinator)).unacknowledged]],
  },
  {
    ...{ name: 'alarm_deliveries', help: 'Messages about alarms that are kept, by state.', label: 'state' },
    read: async ({ database }) => all(['waiting', 'delivered', 'dead'], await countDeliveries(database)),
  },
  {
    ...{ name: 'site_findings_open', help: 'Open findings of all sites, by severity.', label: 'severity' },
    read: async ({ database }) => Object.entries(await countOpen(database)),
  },
  {
    ...{ name: 'site_sensors', help: 'Sensors of all sites: live, silent, waiting.', label: 'state' },
    read: async ({ database }) => Object.entries(await countSensors(database)),
  },
  {
    ...{ name: 'database_size_bytes', help: 'What the database takes on its disk.' },
    read: ({ database, backend }) => pairs(DATABASE_SIZE[backend], database),
  },
];

/**
 * Numbers about the fleet, counted in the database when they are asked for: every coordinator on it tells the same.
 */
export async function fleetMetrics(coordinator: Coordinator): Promise<Registry> {
  const registry = new Registry();
  for (const { name, help, label, read } of READINGS) {
    const labelNames = label === undefined ? [] : [label];
    const gauge = new Gauge({
      ...{ name: `bulkhead_coordinator_${name}`, help, labelNames, registers: [registry] },
    });
    for (const [value, count] of await read(coordinator))
      if (label === undefined) gauge.set(count);
      else gauge.set({ [label]: value }, count);
  }
  return registry;
}

const DATABASE_SIZE = {
  sqlite: sql`select '' as label, page_count * page_size as number
    from pragma_page_count(), pragma_page_size()`,
  postgres: sql`select '' as label, pg_database_size(current_database()) as number`,
};

async function readPresences({ database, now_ms }: Coordinator) {
  const age_ms = sql`${now_ms()} - heard_ms`;
  const found = await pairs(
    sql`select case
        when heard_ms is null then 'never'
        when ${age_ms} <= interval_s * ${ONLINE_INTERVALS * 1000} then 'online'
        when ${age_ms} < interval_s * ${OFFLINE_INTERVALS * 1000} then 'stale'
        else 'offline' end as label, count(*) as number
      from device_presence join devices on devices.id = device_presence.device_id
      where devices.state = 'approved' group by 1`,
    database,
  );
  return all(PRESENCES, found);
}

/** A statement that gives `label` and `number`. */
async function pairs(statement: RawBuilder<unknown>, database: Coordinator['database']) {
  const { rows } = await statement.execute(database);
  return (rows as { label: string; number: number | string }[]).map(
    ({ label, number }) => [label, Number(number)] as const,
  );
}

/** How much of one kind of work has not ended, and since when its oldest piece waits, by state. */
function openWork(
  table: 'orders' | 'jobs',
  one: string,
  many: string,
  states: readonly string[],
): [Reading, Reading] {
  const byState = (number: RawBuilder<unknown>, database: Coordinator['database']) =>
    pairs(
      sql`select state as label, ${number} as number from ${sql.table(table)}
        where state in (${sql.join(states)}) group by state`,
      database,
    );
  return [
    {
      ...{ name: `${table}_open`, help: `${many} that have not ended, by state.`, label: 'state' },
      read: async ({ database }) => all(states, await byState(sql`count(*)`, database)),
    },
    {
      name: `${table}_oldest_seconds`,
      help: `Age of the oldest ${one} that has not ended, by state.`,
      label: 'state',
      read: async ({ database, now_ms }) =>
        all(states, await byState(sql`(${now_ms()} - min(created_ms)) / 1000`, database)),
    },
  ];
}

/** All values of a label, so that a rule about one does not depend on it having happened. */
function all(
  values: readonly string[],
  found: Iterable<readonly [string, number]>,
): (readonly [string, number])[] {
  const counts = new Map(found);
  return values.map((value) => [value, counts.get(value) ?? 0]);
}
