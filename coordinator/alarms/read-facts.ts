import { troubledJobs } from '../builds/work.ts';
import type { Coordinator } from '../context.ts';
import type { Database } from '../database/tables.ts';
import { failingChannels } from '../delivery/queue.ts';
import type { PlanRecord } from '../rollouts/effects.ts';
import { readDrifts } from '../rollouts/run/read-drift.ts';
import { readLastingFindings } from '../site/lasting.ts';
import type { AlarmFacts, DriftFact, ForkFact } from './facts.ts';
import { CRITICAL_FINDING_MS, DRIFT_CHUNK, FACTS_MAX, SIGN_INS_WITHIN_MS } from './limits.ts';
import type { OpenAlarm } from './plan.ts';
import { readApproved, readFailedUpdates, readQuiet } from './read-devices.ts';
import { readReports } from './read-reports.ts';
import { recentReports } from './report-counts.ts';

/** Where the look before came to. */
export interface LookedAt {
  /** Of state reports; null: this is the first look. */
  report: string | null;
  drift_ms: number;
}

/**
 * @param open alarms as they are: whom they are about is looked at in any case
 * @param withDrift whether the whole fleet is read for it
 */
export async function readFacts(
  coordinator: Coordinator,
  open: readonly OpenAlarm[],
  { report, withDrift }: { report: string | null; withDrift: boolean },
): Promise<{ facts: AlarmFacts; next_report: string }> {
  const { database, now_ms } = coordinator;
  const at_ms = now_ms();
  const devicesOf = (kind: OpenAlarm['kind']) =>
    open.flatMap((alarm) =>
      alarm.kind === kind && alarm.subject.startsWith('device:') ? alarm.subject.slice('device:'.length) : [],
    );
  const { images, firewalls, next } = await readReports(database, {
    ...{ at_ms, after: report },
    open: { images: devicesOf('image_changed'), firewalls: devicesOf('firewall_changed') },
  });
  const facts: AlarmFacts = {
    ...{ at_ms, images, firewalls },
    quiet: await readQuiet(database, at_ms, devicesOf('appliance_silent')),
    updates: await readFailedUpdates(database),
    drift: withDrift ? await readDriftFacts(coordinator) : null,
    reports: await recentReports(database, at_ms),
    sign_ins_failed: await readFailedSignIns(database, at_ms),
    braked: await readBraked(database),
    forks: await readForks(database),
    lasting: await readLastingFindings(database, at_ms - CRITICAL_FINDING_MS, FACTS_MAX),
    channels: await failingChannels(database),
    ...(await troubledJobs(database, at_ms)),
  };
  return { facts, next_report: next };
}

/** Those whom nobody is bringing anywhere, and whose update did not fail (which has an alarm of its own). */
async function readDriftFacts(coordinator: Coordinator): Promise<DriftFact[]> {
  const found: DriftFact[] = [];
  for (let after = ''; ; ) {
    const some = await readDrifts(coordinator, { after, limit: DRIFT_CHUNK });
    const strays = some.filter(({ member }) => member === 'succeeded' || member === 'left_behind');
    const wrong = strays.flatMap(({ device_id: device, state, running, desired, releases }) =>
      desired !== null && (state === 'behind' || state === 'ahead' || state === 'unknown')
        ? { device, name: device, state, running, desired, releases }
        : [],
    );
    const names = await readApproved(
      coordinator.database,
      wrong.map(({ device }) => device),
    );
    found.push(...wrong.map((fact) => ({ ...fact, name: names.get(fact.device)?.name ?? fact.device })));
    const last = some.at(-1);
    if (!last || some.length < DRIFT_CHUNK) return found;
    after = last.device_id;
    // SQLite answers without giving way; heartbeats are taken in between.
    await new Promise(setImmediate);
  }
}

async function readFailedSignIns(database: Database, at_ms: number): Promise<number> {
  const { failures } = await database
    .selectFrom('sign_in_failures')
    .select((select) => select.fn.sum<number | null>('failures').as('failures'))
    .where('subject', 'like', 'address:%')
    .where('last_ms', '>', at_ms - SIGN_INS_WITHIN_MS)
    .executeTakeFirstOrThrow();
  return Number(failures ?? 0);
}

/** The first one of each appliance that is still here. */
async function readForks(database: Database): Promise<ForkFact[]> {
  const rows = await database
    .selectFrom('evidence_chains')
    .innerJoin('devices', 'devices.id', 'evidence_chains.device_id')
    .select(['device_id', 'devices.name', 'hostname', 'chain', 'trouble'])
    .where('trouble_ms', 'is not', null)
    .where('devices.state', '=', 'approved')
    .orderBy('trouble_ms', 'desc')
    .limit(FACTS_MAX)
    .execute();
  const forks = rows.map(({ device_id: device, name, hostname, chain, trouble }) => ({
    ...{ device, name: name ?? hostname, chain, why: trouble ?? '' },
  }));
  return [...new Map(forks.map((fork) => [fork.device, fork])).values()];
}

async function readBraked(database: Database): Promise<AlarmFacts['braked']> {
  const rows = await database
    .selectFrom('rollouts')
    .innerJoin('rollout_plans', 'rollout_plans.id', 'rollouts.plan_id')
    .select(['rollouts.id', 'rollouts.name', 'rollouts.version', 'rollout_plans.record'])
    .where('rollouts.settled', '=', 0)
    .where('rollouts.phase', '=', 'braked')
    .execute();
  return rows.map(({ id, name, version, record }) => {
    const { brake } = JSON.parse(record) as PlanRecord;
    return { rollout: id, name, version, reason: brake?.reason ?? 'its plan says why' };
  });
}
