import type { LastingFact } from '../alarms/facts.ts';
import type { Database } from '../database/tables.ts';

/** Critical findings that were told before then and are open, by appliance. @param max findings that are looked at, the oldest first */
export async function readLastingFindings(
  database: Database,
  before_ms: number,
  max: number,
): Promise<LastingFact[]> {
  const rows = await database
    .selectFrom('site_findings')
    .innerJoin('devices', 'devices.id', 'site_findings.device_id')
    .select(['device_id', 'site_findings.hostname', 'check_type', 'first_ms'])
    .select(['devices.name', 'devices.hostname as device_hostname'])
    .where('devices.state', '=', 'approved')
    .where('closed_ms', 'is', null)
    .where('severity', '=', 'critical')
    .where('first_ms', '<=', before_ms)
    .orderBy('site_findings.id')
    .limit(max)
    .execute();
  return [...Map.groupBy(rows, ({ device_id }) => device_id)].flatMap(([device, found]) => {
    const [oldest] = found;
    if (oldest === undefined) return [];
    const { name, device_hostname, check_type, hostname, first_ms: since_ms } = oldest;
    return [
      { device, name: name ?? device_hostname, findings: found.length, check_type, hostname, since_ms },
    ];
  });
}
