import type { Fingerprint } from '../../protocol/messages/fingerprint.ts';
import type { Database } from '../database/tables.ts';
import type { FirewallFact, ImageFact, ReportedChange } from './facts.ts';
import { FACTS_MAX, FIRST_LOOK_BACK_MS, HISTORY_MAX, IDS_PER_STATEMENT, REPORTS_AGAIN_MS } from './limits.ts';
import { readApproved } from './read-devices.ts';

/** Who has an alarm of which kind. */
interface OpenSubjects {
  images: readonly string[];
  firewalls: readonly string[];
}

/** Images and firewalls of those who have reported lately or have an alarm. */
export interface ReportFacts {
  images: ImageFact[];
  firewalls: FirewallFact[];
  /** Where the next look begins. */
  next: string;
}

/** The first id of an instant: ids rise with time. */
function firstIdAt(at_ms: number): string {
  const digits = Math.max(0, at_ms).toString(16).padStart(12, '0');
  return `${digits.slice(0, 8)}-${digits.slice(8)}-7000-8000-000000000000`;
}

/** @param after `next` of the look before; null: the first one of this process */
export async function readReports(
  database: Database,
  { at_ms, after, open }: { at_ms: number; after: string | null; open: OpenSubjects },
): Promise<ReportFacts> {
  const from = after ?? firstIdAt(at_ms - FIRST_LOOK_BACK_MS);
  const rows = await database
    .selectFrom('state_changes')
    .select(['id', 'device_id', 'changes'])
    .where('id', '>', from)
    .orderBy('id')
    .limit(FACTS_MAX)
    .execute();
  const [, later = from] = [from, firstIdAt(at_ms - REPORTS_AGAIN_MS)].sort();
  const last = rows.length === FACTS_MAX ? rows.at(-1)?.id : undefined;
  const firewalled = new Set([
    ...open.firewalls,
    ...rows.filter(({ changes }) => changes.includes('"firewall_hash"')).map(({ device_id }) => device_id),
  ]);
  const devices = new Set([...rows.map(({ device_id }) => device_id), ...open.images, ...firewalled]);
  const names = await readApproved(database, devices);
  const published = await readPublished(database);
  const facts: ReportFacts = { images: [], firewalls: [], next: last ?? later };
  for (const [device, fingerprint] of await readFingerprints(database, [...names.keys()])) {
    const name = names.get(device)?.name ?? device;
    const { image_version: version, root_hash, firewall_hash: current } = fingerprint;
    if (version !== null && root_hash !== null)
      facts.images.push({ device, name, version, root_hash, published: published.get(version) ?? null });
    if (firewalled.has(device))
      facts.firewalls.push({ device, name, current, reports: await readHistory(database, device) });
  }
  return facts;
}

async function readFingerprints(
  database: Database,
  ids: readonly string[],
): Promise<Map<string, Fingerprint>> {
  const found = new Map<string, Fingerprint>();
  for (let at = 0; at < ids.length; at += IDS_PER_STATEMENT) {
    const rows = await database
      .selectFrom('device_states')
      .select(['device_id', 'fingerprint'])
      .where('device_id', 'in', ids.slice(at, at + IDS_PER_STATEMENT))
      .execute();
    for (const { device_id, fingerprint } of rows)
      found.set(device_id, JSON.parse(fingerprint) as Fingerprint);
  }
  return found;
}

/** Root hash of every release by its version, of withdrawn ones too: somebody may run one. */
async function readPublished(database: Database): Promise<Map<string, string>> {
  const rows = await database.selectFrom('releases').select(['version', 'root_hash']).execute();
  return new Map(rows.map(({ version, root_hash }) => [version, root_hash]));
}

/** What an appliance has reported, oldest first. */
async function readHistory(database: Database, device: string): Promise<ReportedChange[]> {
  const rows = await database
    .selectFrom('state_changes')
    .select(['received_ms', 'changes'])
    .where('device_id', '=', device)
    .orderBy('id', 'desc')
    .limit(HISTORY_MAX)
    .execute();
  return rows.reverse().map(({ received_ms: at_ms, changes }) => ({
    at_ms,
    changes: JSON.parse(changes) as ReportedChange['changes'],
  }));
}
