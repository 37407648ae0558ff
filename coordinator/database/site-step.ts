import type { Kysely } from 'kysely';
import { type Backend, type IndexMap, makeTables, type TableMap } from './make-tables.ts';

const TABLES: TableMap = {
  device_sites: [
    ...(['device_id text key', 'observed_ms number', 'received_ms number', 'mode text'] as const),
    ...(['sensors_live number', 'sensors_silent number', 'sensors_waiting number'] as const),
    ...(['open_info number', 'open_low number', 'open_medium number'] as const),
    ...(['open_high number', 'open_critical number', 'report text'] as const),
  ],
  site_findings: [
    ...(['id text key', 'device_id text', 'finding text', 'subject text', 'hostname text'] as const),
    ...(['check_type text', 'control text null', 'severity text', 'opened_ms number'] as const),
    ...(['first_ms number', 'closed_ms number null'] as const),
  ],
  site_healings: [
    ...(['id text key', 'device_id text', 'healing text', 'subject text', 'hostname text'] as const),
    ...(['check_type text', 'action text', 'state text', 'dry_run number', 'began_ms number'] as const),
    ...(['ended_ms number null', 'reason text null', 'received_ms number'] as const),
  ],
};

/** Open ones of the fleet, newest first; those of one appliance; and what is old enough to go. */
const INDEXES: IndexMap = [
  ['site_findings', ['device_id', 'finding'], 'unique'],
  ['site_findings', ['closed_ms', 'id']],
  ['site_findings', ['device_id', 'id']],
  ['site_healings', ['device_id', 'healing'], 'unique'],
  ['site_healings', ['device_id', 'id']],
  ['site_healings', ['received_ms']],
];

/** What appliances see of the sites they stand in. */
export async function addSites(database: Kysely<unknown>, backend: Backend): Promise<void> {
  await makeTables(database, backend, TABLES, INDEXES);
}
