import { BulkheadError, describeError } from '../../base/errors.ts';
import { type EndorsedKey, rawKey, readEndorsement } from '../../protocol/evidence/endorsed-key.ts';
import type { EvidenceChainRow } from '../database/evidence-tables.ts';
import type { Work } from '../database/tables.ts';
import { DEVICE_CHAINS_MAX } from './limits.ts';

/** Keys of an appliance whose word counts: also those that it has had before. */
export async function deviceKeys(work: Work, device_id: string): Promise<Uint8Array[]> {
  const rows = await work
    .selectFrom('device_keys')
    .select('public_key')
    .where('device_id', '=', device_id)
    .where('state', '!=', 'revoked')
    .execute();
  return rows.map(({ public_key }) => rawKey(public_key));
}

/**
 * The evidence key that an appliance vouches for.
 *
 * @throws BulkheadError EVIDENCE_REFUSED
 */
export async function endorsedKey(work: Work, device_id: string, endorsement: unknown): Promise<EndorsedKey> {
  try {
    return readEndorsement(endorsement, await deviceKeys(work, device_id));
  } catch (cause) {
    throw refused(`no key of this appliance vouches for the evidence key: ${describeError(cause)}`, cause);
  }
}

export interface NewChain {
  chain: string;
  device_id: string;
  key_id: string;
  endorsement: unknown;
  now_ms: number;
}

/**
 * The chain, which may be new here.
 *
 * @throws BulkheadError EVIDENCE_REFUSED for the chain of another appliance, another key, or one chain too many
 */
export async function findOrAddChain(
  work: Work,
  { now_ms, endorsement, ...made }: NewChain,
): Promise<EvidenceChainRow> {
  const known = await work
    .selectFrom('evidence_chains')
    .selectAll()
    .where('chain', '=', made.chain)
    .executeTakeFirst();
  if (known) {
    if (known.device_id === made.device_id && known.key_id === made.key_id) return known;
    throw refused('this chain belongs to another appliance, or to another key');
  }
  const { count } = await work
    .selectFrom('evidence_chains')
    .select((select) => select.fn.countAll<number>().as('count'))
    .where('device_id', '=', made.device_id)
    .executeTakeFirstOrThrow();
  if (Number(count) >= DEVICE_CHAINS_MAX) throw refused(`this appliance has begun ${count} chains`);
  const row: EvidenceChainRow = {
    ...{ ...made, endorsement: JSON.stringify(endorsement), first_ms: now_ms },
    ...{ last_seq: null, last_hash: null, last_ms: null, trouble: null, trouble_ms: null },
  };
  await work.insertInto('evidence_chains').values(row).execute();
  return row;
}

/** The first reason stays: what came after it is no better. */
export async function noteTrouble(work: Work, chain: string, why: string, now_ms: number): Promise<void> {
  await work
    .updateTable('evidence_chains')
    .set({ trouble: why, trouble_ms: now_ms })
    .where('chain', '=', chain)
    .where('trouble', 'is', null)
    .execute();
}

export function refused(why: string, cause?: unknown): BulkheadError {
  return new BulkheadError('EVIDENCE_REFUSED', why, {
    ...(cause === undefined ? {} : { cause }),
    hint: 'it stays on the appliance, and is offered again',
  });
}

export function forked(chain: string, why: string): BulkheadError {
  return new BulkheadError('EVIDENCE_FORKED', `the chain ${chain} contradicts what is known of it: ${why}`, {
    hint: 'export the evidence of the appliance, and verify it against the checkpoints kept here',
  });
}
