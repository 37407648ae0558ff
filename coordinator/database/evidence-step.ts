import type { Kysely } from 'kysely';
import { type Backend, type IndexMap, makeTables, type TableMap } from './make-tables.ts';

const TABLES: TableMap = {
  evidence_chains: [
    ...(['chain text key', 'device_id text', 'key_id text', 'endorsement text', 'first_ms number'] as const),
    ...(['last_seq number null', 'last_hash text null', 'last_ms number null'] as const),
    ...(['trouble text null', 'trouble_ms number null'] as const),
  ],
  evidence_checkpoints: [
    ...(['chain text key', 'seq number key', 'hash text', 'received_ms number'] as const),
    'countersignature text',
  ],
  evidence_segments: [
    ...(['chain text key', 'segment number key', 'first_seq number', 'last_seq number'] as const),
    ...(['first_prev text', 'last_hash text', 'size_bytes number', 'received_ms number'] as const),
    'receipt text',
  ],
  evidence_pieces: [
    ...(['chain text key', 'segment number key', 'position number key', 'size_bytes number'] as const),
    'text text',
  ],
};

/** Of one chain two segments never follow the same record. */
const INDEXES: IndexMap = [
  ['evidence_chains', ['device_id']],
  ['evidence_chains', ['trouble_ms']],
  ['evidence_segments', ['chain', 'first_prev'], 'unique'],
];

/** What appliances have put on record: how far, and the records themselves. */
export async function addEvidence(database: Kysely<unknown>, backend: Backend): Promise<void> {
  await makeTables(database, backend, TABLES, INDEXES);
}
