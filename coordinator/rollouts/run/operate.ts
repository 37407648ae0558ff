import { BulkheadError } from '../../../base/errors.ts';
import { recordDeed } from '../../audit/log.ts';
import { type Coordinator, newId } from '../../context.ts';
import { lockForAll } from '../../database/lock.ts';
import type { RolloutRow } from '../../database/release-tables.ts';
import type { Work } from '../../database/tables.ts';
import { parseDefinition } from '../definition.ts';
import { changeIntent, INITIAL_INTENT, type RolloutAction, type RolloutIntent } from '../intent.ts';
import { compareVersions, isVersion } from '../version.ts';
import { ROLLOUTS_OPEN_MAX } from './limits.ts';
import { findRollout, intentOf } from './read-scene.ts';

/** What an operator asks for; what the release says itself is read from there. */
export interface NewRollout {
  name?: string | undefined;
  version: string;
  /** Instead of those of the release. */
  floors?: readonly string[] | undefined;
  /** The other fields of a definition, see definition.ts. */
  [field: string]: unknown;
}

/**
 * Puts a rollout on record. Nothing happens until it is approved.
 *
 * @throws BulkheadError ROLLOUT_RELEASE, ROLLOUT_INVALID, COHORT_QUERY_INVALID
 */
export async function createRollout(
  coordinator: Coordinator,
  actor: string,
  wanted: NewRollout,
): Promise<RolloutRow> {
  return await coordinator.doWork(async (work) => {
    await lockForAll(work);
    return await insertRollout(coordinator, work, actor, wanted, 'operator');
  });
}

/** The same within a larger piece of work. @param work has locked for all */
export async function insertRollout(
  coordinator: Coordinator,
  work: Work,
  actor: string,
  { name, floors, ...wanted }: NewRollout,
  origin: RolloutRow['origin'],
): Promise<RolloutRow> {
  const now_ms = coordinator.now_ms();
  const id = newId(coordinator);
  await requireRoom(work);
  const release = await requireRelease(work, wanted.version);
  const steps = floors ?? (JSON.parse(release.floors) as string[]);
  for (const floor of steps) if (isBefore(floor, release.version)) await requireRelease(work, floor);
  const { version, channel } = release;
  const compatible = JSON.parse(release.compatible) as string[];
  const request = { ...wanted, version, channel, compatible, floors: steps, origin };
  parseDefinition(id, request);
  const { wish, brake_releases, retries } = INITIAL_INTENT;
  const row: RolloutRow = {
    ...{ id, name: name ?? version, version, channel, origin, request: JSON.stringify(request) },
    ...{ wish, brake_releases, retries, revision: 0, phase: 'draft', plan_id: null, plan_number: 0 },
    ...{ created_ms: now_ms, created_by: actor, settled: 0 },
  };
  await work.insertInto('rollouts').values(row).execute();
  await recordDeed(work, now_ms, {
    ...{ actor, action: 'rollout.create', subject: `rollout:${id}`, details: request },
  });
  return row;
}

/**
 * Says what the operator wants from now on; the next plan takes account of it, and one that was made before is not carried out any more.
 *
 * @throws BulkheadError ROLLOUT_UNKNOWN, ROLLOUT_ACTION_REFUSED
 */
export async function actOnRollout(
  coordinator: Coordinator,
  actor: string,
  id: string,
  action: RolloutAction,
): Promise<void> {
  await coordinator.doWork(async (work) => {
    await lockForAll(work);
    const row = await findRollout(work, id);
    await writeIntent(coordinator, work, { row, actor, action });
  });
}

/** Ends every rollout that would bring somebody to a version. @param work has locked for all */
export async function cancelRolloutsOf(
  coordinator: Coordinator,
  work: Work,
  actor: string,
  version: string,
): Promise<void> {
  const open = await work
    .selectFrom('rollouts')
    .selectAll()
    .where('settled', '=', 0)
    .where('wish', 'in', ['draft', 'running', 'paused'])
    .where('phase', '!=', 'completed')
    .execute();
  for (const row of open) {
    const { floors } = JSON.parse(row.request) as { floors: string[] };
    if (row.version === version || floors.includes(version))
      await writeIntent(coordinator, work, { row, actor, action: 'cancel' });
  }
}

/** @param work has locked for all @throws BulkheadError ROLLOUT_ACTION_REFUSED */
export async function writeIntent(
  coordinator: Coordinator,
  work: Work,
  { row, actor, action }: { row: RolloutRow; actor: string; action: RolloutAction },
): Promise<void> {
  const intent: RolloutIntent = changeIntent(intentOf(row), action, row.phase);
  await work
    .updateTable('rollouts')
    .set((set) => ({ ...intent, settled: 0, revision: set('revision', '+', 1) }))
    .where('id', '=', row.id)
    .execute();
  const details = { version: row.version, phase: row.phase };
  await recordDeed(work, coordinator.now_ms(), {
    ...{ actor, action: `rollout.${action}`, subject: `rollout:${row.id}`, details },
  });
}

async function requireRelease(work: Work, version: string) {
  const release = await work
    .selectFrom('releases')
    .select(['version', 'channel', 'compatible', 'floors'])
    .where('version', '=', version)
    .where('withdrawn_ms', 'is', null)
    .executeTakeFirst();
  if (release) return release;
  throw new BulkheadError('ROLLOUT_RELEASE', `there is no release ${version}, or it was withdrawn`, {
    hint: "'bulkhead-coordinator release list' shows what there is",
  });
}

async function requireRoom(work: Work): Promise<void> {
  const { count } = await work
    .selectFrom('rollouts')
    .select((select) => select.fn.countAll<number>().as('count'))
    .where('settled', '=', 0)
    .executeTakeFirstOrThrow();
  if (Number(count) >= ROLLOUTS_OPEN_MAX)
    throw new BulkheadError('ROLLOUT_INVALID', `${ROLLOUTS_OPEN_MAX} rollouts have not ended yet`, {
      hint: 'cancel those that are not wanted any more',
    });
}

function isBefore(floor: string, version: string): boolean {
  return isVersion(floor) && isVersion(version) && compareVersions(floor, version) < 0;
}
