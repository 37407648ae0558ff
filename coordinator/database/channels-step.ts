import type { Kysely } from 'kysely';
import { type Backend, type IndexMap, makeTables, type TableMap } from './make-tables.ts';

const TABLES: TableMap = {
  channels: [
    ...(['id text key', 'name text', 'kind text', 'url text', 'room text null', 'secret text'] as const),
    ...(['least text', 'created_ms number', 'created_by text'] as const),
  ],
  deliveries: [
    ...(['id text key', 'channel_id text', 'notice text', 'state text', 'attempts number'] as const),
    ...(['due_ms number', 'created_ms number', 'ended_ms number null', 'error text null'] as const),
  ],
};

const INDEXES: IndexMap = [
  // The next one of a channel.
  ['deliveries', ['channel_id', 'state', 'id']],
  // What is over.
  ['deliveries', ['state', 'ended_ms']],
];

/** Where alarms are sent, and what is on its way there. */
export async function addChannels(database: Kysely<unknown>, backend: Backend): Promise<void> {
  await makeTables(database, backend, TABLES, INDEXES);
}
