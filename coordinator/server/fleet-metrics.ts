import { sql } from 'kysely';
import { Gauge, Registry } from 'prom-client';
import { ALARM_KINDS } from '../alarms/kinds.ts';
import { countAlarms } from '../alarms/look.ts';
import type { Coordinator } from '../context.ts';
import { countDeliveries } from '../delivery/queue.ts';
import { PRESENCES } from '../devices/presence.ts';
import { OFFLINE_INTERVALS, ONLINE_INTERVALS } from '../limits.ts';
import { OPEN_STATES } from '../orders/machine.ts';

/**
 * Numbers about the fleet, counted in the database when they are asked for: every coordinator on it tells the same.
 */
export async function fleetMetrics(coordinator: Coordinator): Promise<Registry> {
  const { database, now_ms } = coordinator;
  const registry = new Registry();
  const gauge = (name: string, help: string, label: string) =>
    new Gauge({ name: `bulkhead_coordinator_${name}`, help, labelNames: [label], registers: [registry] });
  const now = now_ms();

  const states = gauge('devices', 'Records of appliances by state.', 'state');
  const byState = await database
    .selectFrom('devices')
    .select((select) => ['state', select.fn.countAll<number>().as('count')])
    .groupBy('state')
    .execute();
  for (const { state, count } of byState) states.set({ state }, Number(count));

  const presences = gauge('devices_present', 'Approved appliances by presence.', 'presence');
  const age_ms = sql<number>`${now} - device_presence.heard_ms`;
  const presence = sql<string>`case
    when device_presence.heard_ms is null then 'never'
    when ${age_ms} <= device_presence.interval_s * ${ONLINE_INTERVALS * 1000} then 'online'
    when ${age_ms} < device_presence.interval_s * ${OFFLINE_INTERVALS * 1000} then 'stale'
    else 'offline' end`;
  const byPresence = await database
    .selectFrom('device_presence')
    .innerJoin('devices', 'devices.id', 'device_presence.device_id')
    .where('devices.state', '=', 'approved')
    .select((select) => [presence.as('presence'), select.fn.countAll<number>().as('count')])
    .groupBy(sql`1`)
    .execute();
  // All of them, so that an alarm on one does not depend on it having happened.
  for (const name of PRESENCES)
    presences.set({ presence: name }, Number(byPresence.find((row) => row.presence === name)?.count ?? 0));

  const orders = gauge('orders_open', 'Orders that have not ended, by state.', 'state');
  const byOrder = await database
    .selectFrom('orders')
    .select((select) => ['state', select.fn.countAll<number>().as('count')])
    .where('state', 'in', [...OPEN_STATES])
    .groupBy('state')
    .execute();
  for (const state of OPEN_STATES)
    orders.set({ state }, Number(byOrder.find((row) => row.state === state)?.count ?? 0));

  const alarms = gauge('alarms_open', 'Alarms that are open, by kind.', 'kind');
  const { open } = await countAlarms(coordinator);
  for (const kind of ALARM_KINDS) alarms.set({ kind }, open[kind]);

  const deliveries = gauge('alarm_deliveries', 'Messages about alarms that are kept, by state.', 'state');
  const byDelivery = await countDeliveries(database);
  for (const state of ['waiting', 'delivered', 'dead'] as const)
    deliveries.set({ state }, byDelivery.get(state) ?? 0);
  return registry;
}
