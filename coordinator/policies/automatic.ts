import type { Coordinator } from '../context.ts';
import { lockForAll } from '../database/lock.ts';
import type { Database, Work } from '../database/tables.ts';
import { giveWay } from '../give-way.ts';
import { formatQuery } from '../rollouts/cohort/query.ts';
import { QUERY_MAX_CHARS } from '../rollouts/limits.ts';
import type { Member } from '../rollouts/plan.ts';
import { automaticRollout, type PastRollout } from '../rollouts/policy.ts';
import { insertRollout, writeIntent } from '../rollouts/run/operate.ts';
import { readCatalogue } from '../rollouts/run/read-catalogue.ts';
import { readFleet } from '../rollouts/run/read-fleet.ts';
import { findRollout } from '../rollouts/run/read-scene.ts';
import { compareVersions, isVersion, type Version } from '../rollouts/version.ts';
import { NEWCOMERS_INTERVAL_MS } from './limits.ts';
import { readRules } from './policies.ts';
import { followedChannels, type Rule } from './rule.ts';

/** Members of a rollout that it has not brought anywhere. */
const UNTRIED = ['pool', 'seated', 'left_behind'] as const satisfies Member['state'][];
/** In the audit log, for what nobody asked for at that moment. */
const ACTOR = 'policy';

export interface Automatic {
  /** Begins what channels that are followed are to begin by themselves. The caller is the only one who plans. */
  look(): Promise<void>;
}

/** Rollouts that policies begin. */
export function createAutomatic(coordinator: Coordinator): Automatic {
  const { database, now_ms } = coordinator;
  /** When a channel was last looked through for newcomers. */
  const looked = new Map<string, number>();
  const areNewcomers = async (channel: string, version: Version) => {
    const last_ms = looked.get(channel);
    if (last_ms !== undefined && now_ms() - last_ms < NEWCOMERS_INTERVAL_MS && now_ms() >= last_ms)
      return false;
    looked.set(channel, now_ms());
    return await hasNewcomers(coordinator, channel, version);
  };
  return {
    async look() {
      const rules = await readRules(database);
      for (const channel of followedChannels(rules)) {
        const past = await readPast(database, channel);
        const releases = await readCatalogue(database);
        const newcomers = automaticRollout(channel, releases, past, false) === undefined;
        if (newcomers) {
          const again = automaticRollout(channel, releases, past, true);
          if (again === undefined || !(await areNewcomers(channel, again.begin))) continue;
        }
        const decide = (now: readonly PastRollout[]) => automaticRollout(channel, releases, now, newcomers);
        await carryOut(coordinator, { channel, seen: past.length, decide }, cohortOf(channel, rules));
      }
    },
  };
}

/** Whoever a rule for the channel is about. Those whom a rule above it takes out are left alone by the planner. */
function cohortOf(channel: string, rules: readonly Rule[]): string {
  const cohorts = rules.flatMap(({ policy, cohort }) =>
    policy.kind === 'auto_latest' && policy.channel === channel ? [cohort] : [],
  );
  const [first] = cohorts;
  const text = formatQuery(cohorts.length === 1 && first ? first : { kind: 'or', parts: cohorts });
  return text.length <= QUERY_MAX_CHARS ? text : 'all';
}

/** @param wish decided again where nobody else writes, if none has begun since: the lease may have gone to another coordinator meanwhile, which has done it */
async function carryOut(
  coordinator: Coordinator,
  wish: {
    channel: string;
    /** Automatic rollouts of the channel that there were. */
    seen: number;
    decide: (past: readonly PastRollout[]) => ReturnType<typeof automaticRollout>;
  },
  cohort: string,
): Promise<void> {
  await coordinator.doWork(async (work) => {
    await lockForAll(work);
    const past = await readPast(work, wish.channel);
    const decided = past.length === wish.seen ? wish.decide(past) : undefined;
    if (!decided) return;
    const { begin, cancel } = decided;
    for (const id of cancel) {
      const row = await findRollout(work, id);
      await writeIntent(coordinator, work, { row, actor: ACTOR, action: 'cancel' });
    }
    const wanted = { name: `${begin} by itself`, version: begin, cohort, joining: 'open' };
    const row = await insertRollout(coordinator, work, ACTOR, wanted, 'auto_latest');
    await writeIntent(coordinator, work, { row, actor: ACTOR, action: 'approve' });
  });
}

async function readPast(work: Database | Work, channel: string): Promise<PastRollout[]> {
  const rows = await work
    .selectFrom('rollouts')
    .select(['id', 'version', 'channel', 'origin', 'phase', 'settled'])
    .where('origin', '=', 'auto_latest')
    .where('channel', '=', channel)
    .orderBy('id')
    .execute();
  return rows.flatMap(({ id, version, origin, phase, settled }) => {
    const completed = phase === 'completed';
    const over = settled === 1 || completed;
    return isVersion(version) ? [{ id, version, channel, origin, over, completed }] : [];
  });
}

/** Whether somebody who is there follows the channel, runs something older, and was not brought to the version by an automatic rollout before. */
async function hasNewcomers(
  { database, snapshots, now_ms }: Coordinator,
  channel: string,
  version: Version,
): Promise<boolean> {
  const members = await database
    .selectFrom('rollout_members')
    .innerJoin('rollouts', 'rollouts.id', 'rollout_members.rollout_id')
    .select('device_id')
    .where('origin', '=', 'auto_latest')
    .where('version', '=', version)
    .where('state', 'not in', UNTRIED)
    .execute();
  const known = new Set(members.map(({ device_id }) => device_id));
  await giveWay();
  const view = { rollout_id: '', cohort: { kind: 'all' }, at_ms: now_ms() } as const;
  const fleet = await snapshots.transaction().execute((work) => readFleet(work, view));
  for (const { id, policy, version: running, rejected, presence } of fleet.values()) {
    const follows = policy.kind === 'auto_latest' && policy.channel === channel;
    const older = running !== null && compareVersions(running, version) < 0;
    if (follows && older && presence === 'online' && !known.has(id) && !rejected.includes(version))
      return true;
  }
  return false;
}
