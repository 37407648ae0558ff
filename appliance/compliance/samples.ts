import type { Database } from 'bun:sqlite';
import type { RatePoint } from '../../status-page/compliance/report.ts';
import type { SiteStore } from '../site/store/store.ts';
import { HISTORY_POINTS_MAX, SAMPLE_BYTES, SAMPLES_KEPT_DAYS, SAMPLES_MAX } from './limits.ts';
import { type Counts, tallyOf } from './tally.ts';

/**
 * Numbers over time: a row where the numbers of a scope change, and the list of the hours in which somebody looked. A scope is
 * `appliance`, `all`, `framework:HIPAA`, `control:BH-AC-01` or `machine:s-…`. An hour without a row of its own has the numbers of the one before;
 * an hour that is not on the list was not looked at, and has none.
 */
const FIRST = `
  create table compliance_hours (hour_s integer primary key) strict;
  create table compliance_samples (
    scope text not null,
    hour_s integer not null,
    holds integer not null,
    fails integer not null,
    unknown integer not null,
    justified integer not null,
    not_applicable integer not null,
    primary key (scope, hour_s)
  ) strict, without rowid;
  create index compliance_samples_hour on compliance_samples (hour_s);
  create table compliance_states (
    control text primary key,
    state text not null,
    since_ms integer not null
  ) strict, without rowid;
`;

/** What compliance keeps in the store of the site. */
export const COMPLIANCE_PART = { name: 'compliance', steps: [FIRST] };

const HOUR_S = 3_600;
const DAY_S = 86_400;

type Row = Counts & { scope: string; hour_s: number };
const NOTHING: Counts = { fails: 0, unknown: 0, justified: 0, holds: 0, not_applicable: 0 };

export function hourOf(at_ms: number): number {
  return Math.floor(at_ms / 1000 / HOUR_S) * HOUR_S;
}

export interface History {
  scope: string;
  /** Unix seconds, both included. */
  from_s: number;
  until_s: number;
  step: 'hour' | 'day';
}

/**
 * Puts the numbers of an hour on record; a second time in the same hour replaces the first.
 *
 * @param scopes everything that has numbers now; a scope that had some and has none any more becomes nothing
 * @throws BulkheadError SITE_STORE_FULL, SITE_STORE_FAILED, SITE_BUSY, SITE_STORE_STOPPED
 */
export function writeSamples(
  store: SiteStore,
  hour_s: number,
  scopes: ReadonlyMap<string, Counts>,
): Promise<void> {
  return store.write(
    (file) => {
      const insert = file.query(
        `insert into compliance_samples (scope, hour_s, holds, fails, unknown, justified, not_applicable)
       values (?, ?, ?, ?, ?, ?, ?)
       on conflict (scope, hour_s) do update set holds = excluded.holds, fails = excluded.fails,
         unknown = excluded.unknown, justified = excluded.justified, not_applicable = excluded.not_applicable`,
      );
      const remove = file.query('delete from compliance_samples where scope = ? and hour_s = ?');
      const before = latestBefore(file, hour_s);
      const gone = [...before.keys()].filter((scope) => !scopes.has(scope));
      for (const [scope, counts] of [...scopes, ...gone.map((scope) => [scope, NOTHING] as const)]) {
        if (same(before.get(scope) ?? NOTHING, counts)) {
          remove.run(scope, hour_s);
          continue;
        }
        const { holds, fails, unknown, justified, not_applicable } = counts;
        insert.run(scope, hour_s, holds, fails, unknown, justified, not_applicable);
      }
      file.query('insert or ignore into compliance_hours (hour_s) values (?)').run(hour_s);
      prune(file, hour_s);
    },
    SAMPLE_BYTES * (scopes.size + 1),
  );
}

/** The points of a scope that were sampled, oldest first; with `day` the last hour of each day, by UTC. At most HISTORY_POINTS_MAX, the latest. */
export function readHistory(database: Database, { scope, from_s, until_s, step }: History): RatePoint[] {
  const hours = database
    .query<{ hour_s: number }, [number, number, number, number]>(
      `select max(hour_s) as hour_s from compliance_hours where hour_s between ? and ?
       group by hour_s / ? order by 1 desc limit ?`,
    )
    .all(from_s, until_s, step === 'day' ? DAY_S : HOUR_S, HISTORY_POINTS_MAX)
    .map(({ hour_s }) => hour_s)
    .reverse();
  const rows = database
    .query<Row, [string, number]>(
      'select * from compliance_samples where scope = ? and hour_s <= ? order by hour_s',
    )
    .all(scope, until_s);
  let next = 0;
  let now: Counts | null = null;
  return hours.flatMap((hour_s) => {
    for (let row = rows[next]; row !== undefined && row.hour_s <= hour_s; row = rows[++next]) now = row;
    return now === null ? [] : [{ at: new Date(hour_s * 1000).toISOString(), ...tallyOf(now) }];
  });
}

/** The latest numbers of every scope before an hour. */
function latestBefore(file: Database, hour_s: number): Map<string, Counts> {
  const rows = file
    .query<Row, [number]>(
      `select s.* from compliance_samples s join
         (select scope, max(hour_s) as hour_s from compliance_samples where hour_s < ? group by scope) l
         on s.scope = l.scope and s.hour_s = l.hour_s`,
    )
    .all(hour_s);
  return new Map(rows.map((row) => [row.scope, row]));
}

function same(one: Counts, other: Counts): boolean {
  return (Object.keys(NOTHING) as (keyof Counts)[]).every((state) => one[state] === other[state]);
}

/** What is too old goes, but for the row of each scope that its first hour takes its numbers from. */
function prune(file: Database, hour_s: number): void {
  const cutoff_s = hour_s - SAMPLES_KEPT_DAYS * DAY_S;
  const old = file
    .query<{ found: number }, [number]>('select 1 as found from compliance_hours where hour_s < ? limit 1')
    .get(cutoff_s);
  if (old !== null) forget(file, cutoff_s);
  const { rows } = file
    .query<{ rows: number }, []>('select count(*) as rows from compliance_samples')
    .get() ?? {
    rows: 0,
  };
  if (rows <= SAMPLES_MAX) return;
  // A sixteenth at once, so that it is done now and then and not with every sample.
  const until = file
    .query<{ hour_s: number }, [number]>(
      'select hour_s from compliance_samples order by hour_s limit 1 offset ?',
    )
    .get(rows - SAMPLES_MAX + Math.floor(SAMPLES_MAX / 16));
  if (until !== null) forget(file, until.hour_s);
}

function forget(file: Database, cutoff_s: number): void {
  file.query('delete from compliance_hours where hour_s < ?').run(cutoff_s);
  file
    .query(
      `delete from compliance_samples where hour_s < ?1 and exists (
         select 1 from compliance_samples later
         where later.scope = compliance_samples.scope and later.hour_s <= ?1 and later.hour_s > compliance_samples.hour_s)`,
    )
    .run(cutoff_s);
}
