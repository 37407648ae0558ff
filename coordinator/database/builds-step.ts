import type { Kysely } from 'kysely';
import { type Backend, type IndexMap, makeTables, type TableMap } from './make-tables.ts';

const TABLES: TableMap = {
  projects: [
    ...(['id text key', 'name text', 'service text', 'repository text', 'rules text'] as const),
    ...(['timeout_s number', 'secret text', 'created_ms number', 'created_by text'] as const),
  ],
  webhook_events: [
    ...(['id text key', 'project_id text', 'delivery text', 'event text', 'ref text null'] as const),
    ...(['commit_sha text null', 'outcome text', 'reason text null', 'job_id text null'] as const),
    'received_ms number',
  ],
  jobs: [
    ...(['id text key', 'project_id text', 'project text', 'repository text', 'ref text'] as const),
    ...(['commit_sha text', 'channel text', 'command text', 'timeout_s number', 'state text'] as const),
    ...(['attempt number', 'worker text null', 'lease_until_ms number null', 'created_ms number'] as const),
    ...(['created_by text', 'started_ms number null', 'ended_ms number null', 'code text null'] as const),
    ...(['message text null', 'release_id text null'] as const),
  ],
  job_logs: [
    ...(['job_id text key', 'attempt number key', 'position number key', 'text text'] as const),
    'received_ms number',
  ],
};

const INDEXES: IndexMap = [
  ['projects', ['name'], 'unique'],
  // A delivery is taken once, however often it comes and at however many coordinators.
  ['webhook_events', ['project_id', 'delivery'], 'unique'],
  ['jobs', ['state', 'id']],
  ['jobs', ['project_id', 'id']],
];

/** Projects, what their webhooks said, and builds. */
export async function addBuilds(database: Kysely<unknown>, backend: Backend): Promise<void> {
  await makeTables(database, backend, TABLES, INDEXES);
}
