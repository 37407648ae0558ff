import { BulkheadError } from '../../../base/errors.ts';
import type { Coordinator } from '../../context.ts';
import { readRules } from '../../policies/policies.ts';
import { ruleFor, rulesAskForFacts } from '../../policies/rule.ts';
import type { Subject } from '../cohort/query.ts';
import { type Drift, driftOf, driftOfFleet } from '../drift.ts';
import type { Member } from '../plan.ts';
import { desiredVersion, type Policy } from '../policy.ts';
import { isVersion, type Version } from '../version.ts';
import { readCatalogue } from './read-catalogue.ts';
import { readFacts } from './read-fleet.ts';

/** What one appliance runs against what it should. */
export interface DeviceDrift {
  device_id: string;
  running: string | null;
  /** Null: nobody has decided. */
  desired: string | null;
  state: Drift['state'];
  /** How many releases it is behind or ahead; null for the other states. */
  releases: number | null;
  /** What it is in the rollout that desires it; null: in none. */
  member: Member['state'] | null;
}

export interface DriftQuery {
  state?: Drift['state'] | undefined;
  /** Id of the last device of the page before. */
  after?: string | undefined;
  limit: number;
}

/** The whole fleet counted, and a page of those in one state, in the order in which they came. */
export async function readFleetDrift(coordinator: Coordinator, { state, after = '', limit }: DriftQuery) {
  const drifts = await readDrifts(coordinator);
  const shown = drifts.filter(
    (drift) => drift.device_id > after && (state === undefined || drift.state === state),
  );
  return { counts: driftOfFleet(drifts.map(asDrift)), devices: shown.slice(0, limit) };
}

/** @throws BulkheadError DEVICE_UNKNOWN for what is not in the fleet */
export async function readDeviceDrift(coordinator: Coordinator, id: string): Promise<DeviceDrift> {
  const [drift] = await readDrifts(coordinator, { only: id });
  if (!drift) throw new BulkheadError('DEVICE_UNKNOWN', `there is no approved device ${id}`);
  return drift;
}

/** A part of the fleet; all of it when nothing is said. */
interface Part {
  only?: string;
  /** Those behind this id, and how many of them. */
  after?: string;
  limit?: number;
}

/** By id. */
export async function readDrifts({ database }: Coordinator, part: Part = {}): Promise<DeviceDrift[]> {
  let devices = database
    .selectFrom('devices')
    .select(['id', 'image_version', 'hardware', 'tags'])
    .where('state', '=', 'approved')
    .orderBy('id');
  if (part.only !== undefined) devices = devices.where('id', '=', part.only);
  if (part.after !== undefined) devices = devices.where('id', '>', part.after);
  if (part.limit !== undefined) devices = devices.limit(part.limit);
  const fleet = await devices.execute();
  const last = part.limit === undefined ? undefined : fleet.at(-1)?.id;
  const assigned = await readAssigned({ database }, part, last);
  const catalogue = await readCatalogue(database);
  const rules = await readRules(database);
  const range = { first: fleet[0]?.id ?? '', last: fleet.at(-1)?.id ?? '' };
  const facts = rulesAskForFacts(rules)
    ? await readFacts(database, range)
    : new Map<string, Subject['facts']>();
  // A fleet has few pairs of versions.
  const known = new Map<string, Drift>();
  return fleet.map(({ id, image_version, hardware, tags }) => {
    const running = isVersion(image_version) ? image_version : null;
    const subject = () => ({
      ...{ id, version: running, hardware, facts: facts.get(id) ?? {} },
      tags: JSON.parse(tags) as Record<string, string>,
    });
    // A fleet without rules is not read closer than it has to be.
    const policy: Policy = rules.length === 0 ? { kind: 'manual' } : ruleFor(subject(), rules).policy;
    const desired = desiredVersion(policy, assigned.get(id)?.version ?? null, catalogue);
    const pair = `${running} ${desired}`;
    const drift = known.get(pair) ?? driftOf(running, desired, catalogue);
    known.set(pair, drift);
    const releases = 'releases' in drift ? drift.releases : null;
    const member = assigned.get(id)?.member ?? null;
    return { device_id: id, running: image_version, desired, state: drift.state, releases, member };
  });
}

/**
 * The goal of the last rollout that reached each device: one that is rolled back has none any more, and one that was cancelled only where
 * it had arrived.
 */
async function readAssigned(
  { database }: Pick<Coordinator, 'database'>,
  { only, after }: Part,
  last: string | undefined,
): Promise<Map<string, { version: Version; member: Member['state'] }>> {
  let rows = database
    .selectFrom('rollout_members')
    .innerJoin('rollouts', 'rollouts.id', 'rollout_members.rollout_id')
    .select(['device_id', 'version', 'state'])
    .where('wish', '!=', 'roll_back')
    .where((where) =>
      where.or([
        where('state', '=', 'succeeded'),
        where.and([
          where('wish', '!=', 'cancelled'),
          where('state', 'in', ['ordered', 'failed', 'left_behind']),
        ]),
      ]),
    )
    .orderBy('rollouts.id');
  if (only !== undefined) rows = rows.where('device_id', '=', only);
  if (after !== undefined) rows = rows.where('device_id', '>', after);
  if (last !== undefined) rows = rows.where('device_id', '<=', last);
  const assigned = new Map<string, { version: Version; member: Member['state'] }>();
  for (const { device_id, version, state: member } of await rows.execute())
    if (isVersion(version)) assigned.set(device_id, { version, member });
  return assigned;
}

function asDrift({ state, releases }: DeviceDrift): Drift {
  return state === 'behind' || state === 'ahead' ? { state, releases: releases ?? 0 } : { state };
}
