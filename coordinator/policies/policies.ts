import { Type as t } from '@sinclair/typebox';
import { BulkheadError, describeError } from '../../base/errors.ts';
import { OneOf } from '../../base/schema.ts';
import { ReleaseVersion } from '../../updater/bundle/manifest.ts';
import { isOpen, type MaintenanceWindow, WEEKDAYS } from '../../updater/maintenance-window.ts';
import { recordDeed } from '../audit/log.ts';
import { type Coordinator, newId } from '../context.ts';
import { lockForAll } from '../database/lock.ts';
import type { PolicyRow } from '../database/release-tables.ts';
import type { Database, Work } from '../database/tables.ts';
import { parseQuery } from '../rollouts/cohort/parse-query.ts';
import type { Policy } from '../rollouts/policy.ts';
import { POLICIES_MAX } from './limits.ts';
import type { Rule } from './rule.ts';

const closed = { additionalProperties: false };

/** As it is asked for and shown; a version is held to be one where it is used. */
export const PolicyChoice = t.Union([
  t.Object({ kind: t.Literal('manual') }, closed),
  t.Object(
    { kind: t.Literal('auto_latest'), channel: t.String({ pattern: '^[a-z0-9][a-z0-9-]{0,39}$' }) },
    closed,
  ),
  t.Object({ kind: t.Literal('pinned'), version: ReleaseVersion }, closed),
]);
export type PolicyChoice = (typeof PolicyChoice)['static'];

export const PolicyWindow = t.Object(
  {
    ...{
      start: t.String({ maxLength: 5 }),
      end: t.String({ maxLength: 5 }),
      zone: t.String({ maxLength: 64 }),
    },
    days: t.Array(OneOf(WEEKDAYS), { minItems: 1, maxItems: 7, uniqueItems: true }),
  },
  closed,
);

export type PolicyWindow = (typeof PolicyWindow)['static'];

export interface NewPolicy {
  name: string;
  /** In the language of cohorts. */
  cohort: string;
  policy: PolicyChoice;
  window: PolicyWindow | null;
}

export interface PolicyView extends NewPolicy {
  id: string;
  created_ms: number;
  created_by: string;
}

/** In the order in which they are tried. */
export async function listPolicies({ database }: Pick<Coordinator, 'database'>): Promise<PolicyView[]> {
  return (await readRows(database)).map(viewPolicy);
}

/** The same, ready to be held against appliances. */
export async function readRules(work: Database | Work): Promise<Rule[]> {
  return (await readRows(work)).map((row) => ({
    id: row.id,
    cohort: parseQuery(row.cohort),
    policy: JSON.parse(row.policy) as Policy,
    window: row.window === null ? null : (JSON.parse(row.window) as MaintenanceWindow),
  }));
}

/**
 * Adds a rule behind all others.
 *
 * @throws BulkheadError COHORT_QUERY_INVALID, POLICY_WINDOW, POLICY_RELEASE, POLICIES_TOO_MANY
 */
export async function addPolicy(
  coordinator: Coordinator,
  actor: string,
  wanted: NewPolicy,
): Promise<PolicyView> {
  const { name, cohort, policy, window } = wanted;
  parseQuery(cohort);
  if (window !== null) requireWindow(window);
  const row: PolicyRow = {
    ...{ id: newId(coordinator), position: 0, name, cohort, policy: JSON.stringify(policy) },
    window: window === null ? null : JSON.stringify(window),
    ...{ created_ms: coordinator.now_ms(), created_by: actor },
  };
  await coordinator.doWork(async (work) => {
    await lockForAll(work);
    const rows = await readRows(work);
    if (rows.length >= POLICIES_MAX)
      throw new BulkheadError('POLICIES_TOO_MANY', `there are ${POLICIES_MAX} policies already`, {
        hint: 'one policy can speak of many appliances: give them a tag',
      });
    if (policy.kind === 'pinned') await requireRelease(work, policy.version);
    row.position = (rows.at(-1)?.position ?? 0) + 1;
    await work.insertInto('policies').values(row).execute();
    await recordDeed(work, row.created_ms, {
      ...{ actor, action: 'policy.add', subject: `policy:${row.id}`, details: { ...wanted } },
    });
  });
  return viewPolicy(row);
}

/** @throws BulkheadError POLICY_UNKNOWN */
export async function removePolicy(coordinator: Coordinator, actor: string, id: string): Promise<void> {
  await coordinator.doWork(async (work) => {
    await lockForAll(work);
    const { name, cohort, policy } = find(await readRows(work), id);
    await work.deleteFrom('policies').where('id', '=', id).execute();
    await recordDeed(work, coordinator.now_ms(), {
      ...{ actor, action: 'policy.remove', subject: `policy:${id}`, details: { name, cohort, policy } },
    });
  });
}

/** Tries a rule before the one that stands above it. The uppermost stays where it is. @throws BulkheadError POLICY_UNKNOWN */
export async function raisePolicy(coordinator: Coordinator, actor: string, id: string): Promise<void> {
  await coordinator.doWork(async (work) => {
    await lockForAll(work);
    const rows = await readRows(work);
    const row = find(rows, id);
    const above = rows[rows.indexOf(row) - 1];
    if (above === undefined) return;
    const put = (one: PolicyRow, position: number) =>
      work.updateTable('policies').set({ position }).where('id', '=', one.id).execute();
    await put(row, above.position);
    await put(above, row.position);
    await recordDeed(work, coordinator.now_ms(), {
      ...{ actor, action: 'policy.raise', subject: `policy:${id}`, details: { above: above.name } },
    });
  });
}

function readRows(work: Database | Work): Promise<PolicyRow[]> {
  return work.selectFrom('policies').selectAll().orderBy('position').execute();
}

function find(rows: readonly PolicyRow[], id: string): PolicyRow {
  const row = rows.find((one) => one.id === id);
  if (!row) throw new BulkheadError('POLICY_UNKNOWN', `there is no policy ${id}`);
  return row;
}

function requireWindow(window: MaintenanceWindow): void {
  try {
    isOpen(window, new Date(0));
  } catch (cause) {
    throw new BulkheadError('POLICY_WINDOW', `the window is none: ${describeError(cause)}`, {
      ...{ cause, hint: 'hours are 00:00 to 23:59, the zone is one of the IANA database' },
    });
  }
}

async function requireRelease(work: Work, version: string): Promise<void> {
  const release = await work
    .selectFrom('releases')
    .select('id')
    .where('version', '=', version)
    .where('withdrawn_ms', 'is', null)
    .executeTakeFirst();
  if (release) return;
  throw new BulkheadError('POLICY_RELEASE', `there is no release ${version}, or it was withdrawn`, {
    hint: "'bulkhead-coordinator release list' shows what there is",
  });
}

function viewPolicy({ position: _, policy, window, ...row }: PolicyRow): PolicyView {
  return {
    ...row,
    policy: JSON.parse(policy) as PolicyChoice,
    window: window === null ? null : (JSON.parse(window) as PolicyWindow),
  };
}
