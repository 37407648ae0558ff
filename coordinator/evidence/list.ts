import { BulkheadError } from '../../base/errors.ts';
import type { EnvelopeJson } from '../../base/signing/dsse.ts';
import { peekStatement } from '../../protocol/evidence/statement.ts';
import { EVIDENCE_KEY } from '../../protocol/evidence/statements.ts';
import type { Coordinator } from '../context.ts';
import { CHECKPOINTS_LISTED_MAX } from './limits.ts';

/** One chain of an appliance, as it is known here. */
export interface ChainStanding {
  chain: string;
  key_id: string;
  first_ms: number;
  /** The last record that was countersigned. */
  last_seq: number | null;
  last_ms: number | null;
  /** Why it is not to be trusted; null: nothing contradicts it. */
  trouble: string | null;
  trouble_ms: number | null;
  /** Kept here. */
  segments: number;
  kept_bytes: number;
}

/** Newest first. */
export async function listEvidence({ database }: Coordinator, device_id: string): Promise<ChainStanding[]> {
  const rows = await database
    .selectFrom('evidence_chains')
    .leftJoin('evidence_segments', 'evidence_segments.chain', 'evidence_chains.chain')
    .select([
      'evidence_chains.chain',
      'key_id',
      'first_ms',
      'evidence_chains.last_seq',
      'last_ms',
      'trouble',
      'trouble_ms',
    ])
    .select((select) => [
      select.fn.count<number>('segment').as('segments'),
      select.fn.sum<number | null>('size_bytes').as('kept_bytes'),
    ])
    .where('device_id', '=', device_id)
    .groupBy('evidence_chains.chain')
    .orderBy('first_ms', 'desc')
    .execute();
  return rows.map(({ segments, kept_bytes, ...row }) => ({
    ...row,
    segments: Number(segments),
    kept_bytes: Number(kept_bytes ?? 0),
  }));
}

/** What `bulkhead evidence verify --checkpoints` holds an export to. */
export interface CheckpointList {
  /** Base64 of the device key that vouches for the newest chain. */
  device_key: string;
  coordinator_keys: string[];
  countersignatures: EnvelopeJson[];
}

/** @throws BulkheadError EVIDENCE_UNKNOWN */
export async function listCheckpoints(
  { database, orderKey }: Coordinator,
  device_id: string,
): Promise<CheckpointList> {
  const newest = await database
    .selectFrom('evidence_chains')
    .select('endorsement')
    .where('device_id', '=', device_id)
    .orderBy('first_ms', 'desc')
    .executeTakeFirst();
  if (!newest) throw unknown('this appliance has sent no checkpoint of its evidence');
  const rows = await database
    .selectFrom('evidence_checkpoints')
    .innerJoin('evidence_chains', 'evidence_chains.chain', 'evidence_checkpoints.chain')
    .select('countersignature')
    .where('device_id', '=', device_id)
    .orderBy('received_ms', 'desc')
    .limit(CHECKPOINTS_LISTED_MAX)
    .execute();
  const { device_key } = peekStatement(EVIDENCE_KEY, JSON.parse(newest.endorsement));
  return {
    ...{ device_key, coordinator_keys: [Buffer.from(orderKey.public_key).toString('base64')] },
    countersignatures: rows
      .reverse()
      .map(({ countersignature }) => JSON.parse(countersignature) as EnvelopeJson),
  };
}

/** The records of all segments of a chain that are kept here, in their order. @throws BulkheadError EVIDENCE_UNKNOWN */
export async function* readRecords(
  { database }: Coordinator,
  device_id: string,
  chain: string,
): AsyncGenerator<string> {
  const segments = await database
    .selectFrom('evidence_segments')
    .innerJoin('evidence_chains', 'evidence_chains.chain', 'evidence_segments.chain')
    .select('segment')
    .where('device_id', '=', device_id)
    .where('evidence_segments.chain', '=', chain)
    .orderBy('segment')
    .execute();
  if (segments.length === 0) throw unknown(`no segment of chain ${chain} of this appliance is kept here`);
  for (const { segment } of segments) {
    const pieces = await database
      .selectFrom('evidence_pieces')
      .select('text')
      .where('chain', '=', chain)
      .where('segment', '=', segment)
      .orderBy('position')
      .execute();
    yield pieces.map(({ text }) => text).join('');
  }
}

const unknown = (why: string) => new BulkheadError('EVIDENCE_UNKNOWN', why);
