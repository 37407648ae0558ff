import { sql } from 'kysely';
import type { Fingerprint } from '../../protocol/messages/fingerprint.ts';
import type { Coordinator } from '../context.ts';
import { giveWay } from '../give-way.ts';
import { COHORT_CHUNK, COHORT_LOOKED_MAX } from '../limits.ts';
import { asksForFacts, factsOf } from '../rollouts/cohort/facts.ts';
import { matchesQuery } from '../rollouts/cohort/match-query.ts';
import type { Query, Subject } from '../rollouts/cohort/query.ts';
import { parseVersion } from '../rollouts/version.ts';
import type { DeviceQuery } from './list.ts';

type Reader = Pick<Coordinator, 'database' | 'backend'>;

interface Found {
  /** In the order in which they came. */
  ids: string[];
  next: string | null;
}

/** All of them are in the index of searches, see database/migrations.ts. */
const SEARCHED = ['name', 'hostname', 'serial', 'mac'];

/** What a search finds in the database alone. */
export async function plainPage(coordinator: Reader, query: DeviceQuery): Promise<Found> {
  const rows = await candidates(coordinator, query)
    .select('devices.id')
    .limit(query.limit + 1)
    .execute();
  const ids = rows.slice(0, query.limit).map(({ id }) => id);
  return { ids, next: rows.length > query.limit ? (ids.at(-1) ?? null) : null };
}

/** What a query of the cohort language is true of; the same decision that a rollout makes. */
export async function cohortPage(coordinator: Reader, query: DeviceQuery, cohort: Query): Promise<Found> {
  const ids: string[] = [];
  let after = query.after;
  for (let looked = 0; looked < COHORT_LOOKED_MAX; looked += COHORT_CHUNK) {
    const rows = await readSubjects(coordinator, { ...query, after }, asksForFacts(cohort));
    for (const row of rows) {
      if (!matchesQuery(cohort, subjectOf(row))) continue;
      if (ids.length === query.limit) return { ids, next: ids.at(-1) ?? null };
      ids.push(row.id);
    }
    if (rows.length < COHORT_CHUNK) return { ids, next: null };
    after = rows.at(-1)?.id;
    await giveWay();
  }
  return { ids, next: after ?? null };
}

/** Whom a query is about. */
export interface Survey {
  /** Approved appliances. */
  fleet: number;
  matching: number;
  /** Of those that match: they run the version already. */
  current: number;
  /** The first of those that match, in the order in which they came. */
  ids: string[];
}

/** Looks at the whole fleet, a part at a time. @param version that they would be brought to */
export async function surveyCohort(
  coordinator: Reader,
  cohort: Query,
  { version, ids_max }: { version: string | undefined; ids_max: number },
): Promise<Survey> {
  const survey: Survey = { fleet: 0, matching: 0, current: 0, ids: [] };
  const query: DeviceQuery = { state: 'approved', limit: COHORT_CHUNK };
  for (let after: string | undefined; ; ) {
    const rows = await readSubjects(coordinator, { ...query, after }, asksForFacts(cohort));
    survey.fleet += rows.length;
    for (const row of rows) {
      if (!matchesQuery(cohort, subjectOf(row))) continue;
      survey.matching += 1;
      survey.current += Number(row.image_version === version);
      if (survey.ids.length < ids_max) survey.ids.push(row.id);
    }
    if (rows.length < COHORT_CHUNK) return survey;
    after = rows.at(-1)?.id;
    await giveWay();
  }
}

/** Facts are what costs: they are read only where the query asks for one. */
async function readSubjects(coordinator: Reader, query: DeviceQuery, withFacts: boolean) {
  const rows = candidates(coordinator, query)
    .select(['devices.id', 'devices.tags', 'devices.hardware', 'devices.image_version'])
    .limit(COHORT_CHUNK);
  if (!withFacts) return (await rows.execute()).map((row) => ({ ...row, fingerprint: null }));
  return await rows
    .leftJoin('device_states', 'device_states.device_id', 'devices.id')
    .select('fingerprint')
    .execute();
}

function candidates({ database, backend }: Reader, { state, after, search }: Omit<DeviceQuery, 'limit'>) {
  let rows = database.selectFrom('devices').orderBy('devices.id');
  if (state !== undefined) rows = rows.where('devices.state', '=', state);
  if (after !== undefined) rows = rows.where('devices.id', '>', after);
  if (search === undefined) return rows;
  const part = `%${search.replace(/[%_!]/g, '!$&')}%`;
  // SQLite's own does not look at case; folding it first would cost three times as much.
  const like = sql.raw(backend === 'sqlite' ? 'like' : 'ilike');
  return rows.where((where) =>
    where.or(
      SEARCHED.map((column) => sql<boolean>`${sql.ref(`devices.${column}`)} ${like} ${part} escape '!'`),
    ),
  );
}

function subjectOf(row: {
  id: string;
  tags: string;
  hardware: string | null;
  image_version: string | null;
  fingerprint: string | null;
}): Subject {
  return {
    ...{ id: row.id, hardware: row.hardware, tags: JSON.parse(row.tags) as Record<string, string> },
    version: parseVersion(row.image_version ?? '') ?? null,
    facts: row.fingerprint === null ? {} : factsOf(JSON.parse(row.fingerprint) as Fingerprint),
  };
}
