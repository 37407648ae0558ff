import { sql } from 'kysely';
import {
  FINDING_SEVERITIES,
  type FindingSeverity,
  SITE_HEALING_MODES,
  SITE_HEALING_STATES,
  type SiteHealing,
  type SiteReport,
} from '../../protocol/messages/site-report.ts';
import type { Coordinator } from '../context.ts';
import type { SiteRow } from '../database/site-tables.ts';
import { type FindingView, listFindings } from './findings.ts';
import { SHOWN_FINDINGS_MAX, SHOWN_HEALINGS_MAX, SUMMARY_WITHIN_MS } from './limits.ts';

export type SeverityCounts = Record<FindingSeverity, number>;

/** The site of one appliance in numbers. */
export interface SiteView {
  device_id: string;
  /** What the appliance is called. */
  name: string;
  received_ms: number;
  mode: SiteRow['mode'];
  sensors: { live: number; silent: number; waiting: number };
  open: SeverityCounts;
}

export interface DeviceSite extends SiteView {
  observed_ms: number;
  report: Omit<SiteReport, 'healings'>;
  /** Open ones, as far as they are named, newest first. */
  findings: FindingView[];
  /** Newest first. */
  healings: (SiteHealing & { received_ms: number })[];
}

/** By appliance, those that have told something and are in. */
export async function listSites(
  { database }: Coordinator,
  { after, limit }: { after?: string | undefined; limit: number },
): Promise<SiteView[]> {
  let rows = siteRows(database).where('devices.state', '=', 'approved').orderBy('device_id').limit(limit);
  if (after !== undefined) rows = rows.where('device_id', '>', after);
  return (await rows.execute()).map(viewOf);
}

/** Null: it has told nothing of its site. */
export async function readSite(coordinator: Coordinator, device_id: string): Promise<DeviceSite | null> {
  const { database } = coordinator;
  const row = await siteRows(database).where('device_id', '=', device_id).executeTakeFirst();
  if (!row) return null;
  const healings = await database
    .selectFrom('site_healings')
    .select(['healing', 'subject', 'site_healings.hostname', 'check_type', 'action', 'state', 'dry_run'])
    .select(['began_ms', 'ended_ms', 'reason', 'received_ms'])
    .where('device_id', '=', device_id)
    .orderBy('id', 'desc')
    .limit(SHOWN_HEALINGS_MAX)
    .execute();
  const { healings: told, ...report } = JSON.parse(row.report) as SiteReport;
  return {
    ...viewOf(row),
    ...{ observed_ms: row.observed_ms, report },
    findings: await listFindings(coordinator, { device: device_id, limit: SHOWN_FINDINGS_MAX }),
    healings: healings.map(({ healing: id, dry_run, ...facts }) => ({
      ...{ id, dry_run: dry_run === 1, ...facts },
    })),
  };
}

/** All sites together. */
export interface SiteSummary {
  /** Appliances that have told something of their site. */
  sites: number;
  sensors: SiteView['sensors'];
  open: SeverityCounts;
  /** Sites by how healing is switched. */
  modes: Record<SiteRow['mode'], number>;
  /** What was told of healings in the last day, by how they stand. */
  healings: Record<SiteHealing['state'], number>;
}

export async function summariseSites({ database, now_ms }: Coordinator): Promise<SiteSummary> {
  const modes = await ofThoseIn(database)
    .select(['mode'])
    .select((select) => select.fn.countAll<number>().as('count'))
    .groupBy('mode')
    .execute();
  const healings = await database
    .selectFrom('site_healings')
    .innerJoin('devices', 'devices.id', 'site_healings.device_id')
    .select(['site_healings.state'])
    .select((select) => select.fn.countAll<number>().as('count'))
    .where('devices.state', '=', 'approved')
    .where('received_ms', '>', now_ms() - SUMMARY_WITHIN_MS)
    .groupBy('site_healings.state')
    .execute();
  const modeCounts = new Map(modes.map(({ mode, count }) => [mode, Number(count)]));
  const stateCounts = new Map(healings.map(({ state, count }) => [state, Number(count)]));
  return {
    sites: [...modeCounts.values()].reduce((sum, count) => sum + count, 0),
    sensors: await countSensors(database),
    open: await countOpen(database),
    modes: record(SITE_HEALING_MODES, (mode) => modeCounts.get(mode) ?? 0),
    healings: record(SITE_HEALING_STATES, (state) => stateCounts.get(state) ?? 0),
  };
}

/** Sensors of the fleet. */
export async function countSensors(database: Coordinator['database']): Promise<SiteView['sensors']> {
  const { live, silent, waiting } = await ofThoseIn(database)
    .select((select) => [
      select.fn.sum<number | null>('sensors_live').as('live'),
      select.fn.sum<number | null>('sensors_silent').as('silent'),
      select.fn.sum<number | null>('sensors_waiting').as('waiting'),
    ])
    .executeTakeFirstOrThrow();
  return { live: Number(live ?? 0), silent: Number(silent ?? 0), waiting: Number(waiting ?? 0) };
}

/** Open findings of the fleet by severity, as the appliances count them: also those that fitted into no report. */
export async function countOpen(database: Coordinator['database']): Promise<SeverityCounts> {
  const row = await ofThoseIn(database)
    .select((select) =>
      FINDING_SEVERITIES.map((severity) =>
        select.fn.sum<number | null>(sql.ref(`open_${severity}`)).as(severity),
      ),
    )
    .executeTakeFirstOrThrow();
  return record(FINDING_SEVERITIES, (severity) => Number(row[severity] ?? 0));
}

function ofThoseIn(database: Coordinator['database']) {
  return database
    .selectFrom('device_sites')
    .innerJoin('devices', 'devices.id', 'device_sites.device_id')
    .where('devices.state', '=', 'approved');
}

function siteRows(database: Coordinator['database']) {
  return database
    .selectFrom('device_sites')
    .innerJoin('devices', 'devices.id', 'device_sites.device_id')
    .selectAll('device_sites')
    .select(['devices.name', 'devices.hostname']);
}

function viewOf(row: SiteRow & { name: string | null; hostname: string }): SiteView {
  const { device_id, received_ms, mode, sensors_live: live, sensors_silent: silent } = row;
  return {
    ...{ device_id, name: row.name ?? row.hostname, received_ms, mode },
    sensors: { live, silent, waiting: row.sensors_waiting },
    open: record(FINDING_SEVERITIES, (severity) => row[`open_${severity}`]),
  };
}

function record<K extends string>(names: readonly K[], of: (name: K) => number): Record<K, number> {
  return Object.fromEntries(names.map((name) => [name, of(name)])) as Record<K, number>;
}
