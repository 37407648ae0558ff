import { sql } from 'kysely';
import { FINDING_SEVERITIES, type FindingSeverity } from '../../protocol/messages/site-report.ts';
import type { Coordinator } from '../context.ts';
import type { SiteFindingRow } from '../database/site-tables.ts';

/** What of the findings of the fleet is wanted; what is left out does not matter. */
export interface FindingsQuery {
  /** Default open. */
  state?: 'open' | 'closed' | undefined;
  severity?: FindingSeverity | undefined;
  check?: string | undefined;
  subject?: string | undefined;
  /** An appliance. */
  device?: string | undefined;
  /** Of the appliance: name and value. */
  tag?: readonly [name: string, value: string] | undefined;
}

export interface FindingView extends SiteFindingRow {
  /** What the appliance is called. */
  device_name: string;
}

/** Newest first. @param query `before`: the last one of the page before */
export async function listFindings(
  coordinator: Coordinator,
  { before, limit, ...query }: FindingsQuery & { before?: string | undefined; limit: number },
): Promise<FindingView[]> {
  let rows = chosen(coordinator, query)
    .selectAll('site_findings')
    .select(['devices.name as device_called', 'devices.hostname as device_hostname'])
    .orderBy('site_findings.id', 'desc')
    .limit(limit);
  if (before !== undefined) rows = rows.where('site_findings.id', '<', before);
  return (await rows.execute()).map(({ device_called, device_hostname, ...row }) => ({
    ...{ ...row, device_name: device_called ?? device_hostname },
  }));
}

/** Of those that are named, by severity; the query's own severity does not matter. */
export async function countFindings(
  coordinator: Coordinator,
  { severity: _, ...query }: FindingsQuery,
): Promise<Record<FindingSeverity, number>> {
  const rows = await chosen(coordinator, query)
    .select(['severity'])
    .select((select) => select.fn.countAll<number>().as('count'))
    .groupBy('severity')
    .execute();
  const counts = new Map(rows.map(({ severity, count }) => [severity, Number(count)]));
  return Object.fromEntries(
    FINDING_SEVERITIES.map((severity) => [severity, counts.get(severity) ?? 0]),
  ) as Record<FindingSeverity, number>;
}

function chosen({ database, backend }: Coordinator, query: FindingsQuery) {
  const { state = 'open', severity, check, subject, device, tag } = query;
  let rows = database
    .selectFrom('site_findings')
    .innerJoin('devices', 'devices.id', 'site_findings.device_id')
    .where('devices.state', '=', 'approved')
    .where('closed_ms', state === 'open' ? 'is' : 'is not', null);
  if (severity !== undefined) rows = rows.where('severity', '=', severity);
  if (check !== undefined) rows = rows.where('check_type', '=', check);
  if (subject !== undefined) rows = rows.where('subject', '=', subject);
  if (device !== undefined) rows = rows.where('device_id', '=', device);
  if (tag !== undefined) {
    // As it stands in the JSON: quotes inside of a value have a backslash before them, so nothing else reads the same.
    const text = tag.map((part) => JSON.stringify(part)).join(':');
    const place = sql.raw(backend === 'sqlite' ? 'instr' : 'strpos');
    rows = rows.where(sql<boolean>`${place}(devices.tags, ${text}) > 0`);
  }
  return rows;
}
