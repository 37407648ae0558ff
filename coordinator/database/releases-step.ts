import type { Kysely } from 'kysely';
import { type Backend, type IndexMap, makeTables, type TableMap } from './make-tables.ts';

const TABLES: TableMap = {
  artifacts: ['sha256 text key', 'kind text', 'size_bytes number', 'created_ms number', 'created_by text'],
  release_keysets: ['id text key', 'version number', 'chain text', 'added_ms number', 'added_by text'],
  releases: [
    ...(['id text key', 'version text', 'channel text', 'notes text', 'floors text'] as const),
    ...(['bundle_sha256 text', 'manifest_sha256 text', 'root_hash text', 'compatible text'] as const),
    ...(['replaces_min text null', 'expires text null', 'built_at text', 'signed_by text'] as const),
    ...(['sbom_sha256 text null', 'provenance_sha256 text null', 'created_ms number'] as const),
    ...(['created_by text', 'withdrawn_ms number null', 'withdrawn_by text null'] as const),
    'withdrawn_reason text null',
  ],
  release_files: [
    ...(['release_id text key', 'suffix text key', 'sha256 text', 'size_bytes number'] as const),
    'base_version text null',
  ],
  rollouts: [
    ...(['id text key', 'name text', 'version text', 'channel text', 'origin text', 'request text'] as const),
    ...(['wish text', 'brake_releases number', 'retries number', 'revision number'] as const),
    ...(['phase text', 'plan_id text null', 'plan_number number', 'created_ms number'] as const),
    ...(['created_by text', 'settled number'] as const),
  ],
  rollout_plans: [
    ...(['id text key', 'rollout_id text', 'parent text null', 'number number', 'at_ms number'] as const),
    ...(['phase text', 'reasons text', 'record text'] as const),
  ],
  rollout_members: [
    ...(['rollout_id text key', 'device_id text key', 'state text', 'stage number null'] as const),
    'record text',
  ],
  rollout_orders: [
    ...(['planned_id text key', 'order_id text', 'rollout_id text', 'device_id text'] as const),
    ...(['plan_id text', 'version text'] as const),
  ],
  leases: ['name text key', 'holder text', 'until_ms number'],
};

const INDEXES: IndexMap = [
  ['releases', ['version'], 'unique'],
  ['releases', ['bundle_sha256'], 'unique'],
  ['release_files', ['sha256']],
  ['rollouts', ['settled', 'id']],
  // One plan follows another, and no second one.
  ['rollout_plans', ['rollout_id', 'number'], 'unique'],
  ['rollout_members', ['device_id']],
  ['rollout_orders', ['rollout_id', 'device_id']],
  ['rollout_orders', ['order_id'], 'unique'],
];

/** Artifacts, releases, rollouts; and when an order may be handed out. */
export async function addReleases(database: Kysely<unknown>, backend: Backend): Promise<void> {
  await makeTables(database, backend, TABLES, INDEXES);
  await database.schema.alterTable('orders').addColumn('window', 'text').execute();
}
