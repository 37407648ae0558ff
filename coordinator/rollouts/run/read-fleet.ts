import type { Fingerprint } from '../../../protocol/messages/fingerprint.ts';
import { ROLLED_BACK_CODE } from '../../../protocol/orders/result.ts';
import type { Database, OrderState, Work } from '../../database/tables.ts';
import { presenceOf } from '../../devices/presence.ts';
import { giveWay } from '../../give-way.ts';
import { OPEN_STATES } from '../../orders/machine.ts';
import { readRules } from '../../policies/policies.ts';
import { type Rule, ruleFor, rulesAskForFacts } from '../../policies/rule.ts';
import type { Appliance, OrderSight } from '../appliance.ts';
import { asksForFacts, factsOf } from '../cohort/facts.ts';
import type { Query } from '../cohort/query.ts';
import { isVersion, type Version } from '../version.ts';
import { FLEET_SLICE } from './limits.ts';

/** Orders that concern slots or power: one at a time. */
const EXCLUSIVE = ['update', 'rollback', 'reboot', 'reprovision'];
/** Update states in which nothing is decided about the version that runs. */
const UNDECIDED = ['pending', 'notified', 'downloading', 'ready', 'rebooting', 'verifying'];

interface View {
  rollout_id: string;
  cohort: Query;
  at_ms: number;
}

/**
 * Everyone who is in the fleet, as one rollout sees it. Who is missing was removed: refused, revoked or replaced. Read a slice at a time, with
 * others in between, so that a large fleet does not hold up its own heartbeats.
 */
export async function readFleet(work: Work, view: View): Promise<Map<string, Appliance>> {
  const fleet = new Map<string, Appliance>();
  const rules = await readRules(work);
  for (let after = ''; ; ) {
    const slice = await readSlice(work, { ...view, rules }, after);
    for (const appliance of slice) fleet.set(appliance.id, appliance);
    if (slice.length < FLEET_SLICE) return fleet;
    after = slice.at(-1)?.id ?? '';
    await giveWay();
  }
}

/** Ids of the first and the last device that something is asked of. */
interface Range {
  first: string;
  last: string;
}

async function readSlice(
  work: Work,
  view: View & { rules: readonly Rule[] },
  after: string,
): Promise<Appliance[]> {
  const rows = await work
    .selectFrom('devices')
    .leftJoin('device_presence', 'device_presence.device_id', 'devices.id')
    .select(['devices.id', 'image_version', 'hardware', 'tags', 'heard_ms', 'interval_s'])
    .select(['update_version', 'update_state'])
    .where('devices.state', '=', 'approved')
    .where('devices.id', '>', after)
    .orderBy('devices.id')
    .limit(FLEET_SLICE)
    .execute();
  const range = { first: rows[0]?.id ?? '', last: rows.at(-1)?.id ?? '' };
  const facts =
    asksForFacts(view.cohort) || rulesAskForFacts(view.rules)
      ? await readFacts(work, range)
      : new Map<string, Appliance['facts']>();
  const rejected = await readRejected(work, range);
  const busy = await readBusy(work, view.rollout_id, range);
  const sights = await readSights(work, view.rollout_id, range);
  const underWay = await readUnderWay(work, range);
  return rows.map((row) => {
    const { id, heard_ms, update_version, update_state } = row;
    const presence = presenceOf({ heard_ms, interval_s: row.interval_s ?? 0 }, view.at_ms);
    const version = isVersion(row.image_version) ? row.image_version : null;
    const gaveUp = update_state === 'rolled_back' && isVersion(update_version) ? [update_version] : [];
    const subject = {
      ...{ id, version, hardware: row.hardware, facts: facts.get(id) ?? {} },
      tags: JSON.parse(row.tags) as Record<string, string>,
    };
    const { policy, window } = ruleFor(subject, view.rules);
    return {
      ...subject,
      committed: isCommitted(row, underWay.get(id)),
      ...{ presence: presence === 'never' ? 'offline' : presence, last_heard_ms: heard_ms },
      ...{ rejected: [...(rejected.get(id) ?? []), ...gaveUp], free: !busy.has(id) },
      ...{ policy, window, order: sights.get(id) ?? null },
    };
  });
}

/** What appliances report of themselves, for cohorts and policies that ask for it. */
export async function readFacts(
  work: Work | Database,
  { first, last }: Range,
): Promise<Map<string, Appliance['facts']>> {
  const rows = await work
    .selectFrom('device_states')
    .select(['device_id', 'fingerprint'])
    .where('device_id', '>=', first)
    .where('device_id', '<=', last)
    .execute();
  return new Map(
    rows.map(({ device_id, fingerprint }) => [device_id, factsOf(JSON.parse(fingerprint) as Fingerprint)]),
  );
}

/** What an appliance has said of its latest update. */
interface Told {
  image_version: string | null;
  update_version: string | null;
  update_state: string | null;
}

/**
 * Whether the version that runs was kept by the health gate. The state report of a trial may come before the heartbeat that calls it
 * one, so what is being ordered counts only when the appliance has said that it succeeded.
 *
 * @param ordered version of an order that it is at
 */
export function isCommitted(told: Told, ordered: string | undefined): boolean {
  const state = told.update_version === told.image_version ? told.update_state : null;
  if (state === 'succeeded') return true;
  return told.image_version !== ordered && !UNDECIDED.includes(state ?? '');
}

/** Versions that appliances are on their way to, by the orders that they have fetched. */
async function readUnderWay(work: Work, { first, last }: Range): Promise<Map<string, string>> {
  const rows = await work
    .selectFrom('orders')
    .select(['device_id', 'parameters'])
    .where('device_id', '>=', first)
    .where('device_id', '<=', last)
    .where('state', 'in', ['handed_out', 'accepted'])
    .where('type', 'in', ['update', 'rollback'])
    .execute();
  const underWay = new Map<string, string>();
  for (const { device_id, parameters } of rows) {
    const { version, to_version } = JSON.parse(parameters) as { version?: string; to_version?: string };
    const wanted = version ?? to_version;
    if (wanted !== undefined) underWay.set(device_id, wanted);
  }
  return underWay;
}

/** What was tried and given up, unless it succeeded later. */
async function readRejected(work: Work, { first, last }: Range): Promise<Map<string, Version[]>> {
  const rows = await work
    .selectFrom('rollout_orders as made')
    .innerJoin('orders', 'orders.id', 'made.order_id')
    .select(['made.device_id', 'made.version'])
    .where('orders.device_id', '>=', first)
    .where('orders.device_id', '<=', last)
    .where('orders.result_code', '=', ROLLED_BACK_CODE)
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom('rollout_orders as later')
            .innerJoin('orders as done', 'done.id', 'later.order_id')
            .select('later.order_id')
            .whereRef('later.device_id', '=', 'made.device_id')
            .whereRef('later.version', '=', 'made.version')
            .whereRef('later.order_id', '>', 'made.order_id')
            .where('done.state', '=', 'succeeded'),
        ),
      ),
    )
    .execute();
  const rejected = new Map<string, Version[]>();
  for (const { device_id, version } of rows)
    if (isVersion(version)) rejected.set(device_id, [...(rejected.get(device_id) ?? []), version]);
  return rejected;
}

/** Who has other work that concerns slots or power. */
async function readBusy(work: Work, rollout_id: string, { first, last }: Range): Promise<Set<string>> {
  const rows = await work
    .selectFrom('orders')
    .leftJoin('rollout_orders', 'rollout_orders.order_id', 'orders.id')
    .select('orders.device_id')
    .where('orders.device_id', '>=', first)
    .where('orders.device_id', '<=', last)
    .where('orders.state', 'in', [...OPEN_STATES])
    .where('orders.type', 'in', EXCLUSIVE)
    .where((where) =>
      where.or([
        where('rollout_orders.rollout_id', 'is', null),
        where('rollout_orders.rollout_id', '!=', rollout_id),
      ]),
    )
    .execute();
  return new Set(rows.map(({ device_id }) => device_id));
}

/** The newest order of the rollout for each device. */
async function readSights(
  work: Work,
  rollout_id: string,
  { first, last }: Range,
): Promise<Map<string, OrderSight>> {
  const rows = await work
    .selectFrom('rollout_orders')
    .innerJoin('orders', 'orders.id', 'rollout_orders.order_id')
    .select(['planned_id', 'rollout_orders.device_id', 'state', 'attempt', 'hand_outs', 'result_code'])
    .where('rollout_id', '=', rollout_id)
    .where('rollout_orders.device_id', '>=', first)
    .where('rollout_orders.device_id', '<=', last)
    .execute();
  const newest = new Map<string, { plan: number; sight: OrderSight }>();
  for (const row of rows) {
    // `rollout/plan/device`, as the planner names them.
    const plan = Number(row.planned_id.split('/')[1]);
    if (plan > (newest.get(row.device_id)?.plan ?? 0))
      newest.set(row.device_id, { plan, sight: sightOf(row) });
  }
  return new Map([...newest].map(([id, { sight }]) => [id, sight]));
}

/** An order as the planner sees it. Handed out once, it may be at work, whatever became of the answer. */
export function sightOf(order: {
  planned_id: string;
  state: OrderState;
  attempt: number;
  hand_outs: number;
  result_code: string | null;
}): OrderSight {
  const { planned_id: id, state, attempt, hand_outs, result_code } = order;
  const untouched = hand_outs === 0 && attempt === 1;
  if (state === 'queued' && untouched) return { id, fate: 'queued', state: null };
  if ((state === 'cancelled' || state === 'expired') && untouched)
    return { id, fate: 'withdrawn', state: null };
  const failure = result_code === ROLLED_BACK_CODE ? 'rolled_back' : 'failed';
  const told = { failed: failure, refused: 'failed', succeeded: 'succeeded', accepted: 'pending' } as const;
  const word = Object.hasOwn(told, state) ? told[state as keyof typeof told] : 'notified';
  return { id, fate: 'handed_out', state: word };
}
