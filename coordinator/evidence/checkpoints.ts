import { describeError } from '../../base/errors.ts';
import type { EnvelopeJson } from '../../base/signing/dsse.ts';
import type { CheckpointMessage } from '../../protocol/evidence/messages.ts';
import { openStatement, sealStatement } from '../../protocol/evidence/statement.ts';
import { CHECKPOINT, type Checkpoint, COUNTERSIGNATURE } from '../../protocol/evidence/statements.ts';
import type { Coordinator } from '../context.ts';
import type { EvidenceChainRow } from '../database/evidence-tables.ts';
import type { Work } from '../database/tables.ts';
import { type Claim, takeClaim } from '../reports/claim.ts';
import { endorsedKey, findOrAddChain, forked, noteTrouble, refused } from './chains.ts';
import { type CheckpointVerdict, type EarlierChain, judgeCheckpoint } from './judge.ts';
import { settledUntil } from './settle.ts';

/**
 * A checkpoint of an appliance, countersigned. One that contradicts what was countersigned before is refused, and the chain is marked.
 *
 * @throws BulkheadError EVIDENCE_REFUSED, EVIDENCE_FORKED, and what takeClaim throws
 */
export async function takeCheckpoint(
  coordinator: Coordinator,
  claim: Claim,
  message: CheckpointMessage,
): Promise<EnvelopeJson> {
  const now_ms = coordinator.now_ms();
  const { device_id } = claim;
  const taken = await coordinator.doWork(async (work) => {
    await takeClaim(work, claim, now_ms);
    const key = await endorsedKey(work, device_id, message.endorsement);
    const checkpoint = open(message.checkpoint, key.public_key);
    const { chain, seq, hash } = checkpoint;
    const { key_id } = key;
    const row = await findOrAddChain(work, {
      chain,
      device_id,
      key_id,
      endorsement: message.endorsement,
      now_ms,
    });
    const verdict = await judge(work, checkpoint, row);
    if (verdict.take === 'contradiction') {
      await noteTrouble(work, chain, verdict.why, now_ms);
      return { chain, why: verdict.why };
    }
    if (verdict.take === 'again') return await countersignatureOf(work, chain, seq);
    const at = new Date(now_ms).toISOString();
    const statement = { at, chain, device: key.device, format: 1 as const, hash, seq };
    const countersignature = sealStatement(COUNTERSIGNATURE, statement, coordinator.orderKey);
    await work
      .insertInto('evidence_checkpoints')
      .values({ chain, seq, hash, received_ms: now_ms, countersignature: JSON.stringify(countersignature) })
      .execute();
    await work
      .updateTable('evidence_chains')
      .set({ last_seq: seq, last_hash: hash, last_ms: now_ms })
      .where('chain', '=', chain)
      .execute();
    return countersignature;
  });
  // Behind the transaction: what it has marked has to stay.
  if ('why' in taken) throw forked(taken.chain, taken.why);
  return taken;
}

function open(envelope: unknown, key: Uint8Array): Checkpoint {
  try {
    return openStatement(CHECKPOINT, envelope, [key]);
  } catch (cause) {
    throw refused(`the checkpoint is not of the evidence key: ${describeError(cause)}`, cause);
  }
}

async function judge(work: Work, checkpoint: Checkpoint, row: EvidenceChainRow): Promise<CheckpointVerdict> {
  const { chain } = row;
  const asked = [checkpoint.seq, ...(checkpoint.previous ? [checkpoint.previous.seq] : [])];
  const rows = await work
    .selectFrom('evidence_checkpoints')
    .select(['seq', 'hash', 'received_ms'])
    .where('chain', '=', chain)
    .where('seq', 'in', asked)
    .execute();
  const settled_ms = await settledUntil(work, chain);
  const hashes = new Map(
    rows
      // Of one number there are no two countersignatures, whatever was settled.
      .filter(({ seq, received_ms }) => Number(seq) === checkpoint.seq || Number(received_ms) > settled_ms)
      .map(({ seq, hash }) => [Number(seq), hash]),
  );
  const last =
    row.last_seq === null || row.last_hash === null || Number(row.last_ms) <= settled_ms
      ? null
      : { seq: Number(row.last_seq), hash: row.last_hash };
  const known = { last, hashOf: (seq: number) => hashes.get(seq), trouble: row.trouble };
  // What was settled may have begun without a word of the chain before.
  return judgeCheckpoint(checkpoint, known, settled_ms < 0 ? await earlierChain(work, row) : null);
}

/** The one that was countersigned last, of those that are not this one. */
async function earlierChain(
  work: Work,
  { chain, device_id }: EvidenceChainRow,
): Promise<EarlierChain | null> {
  const row = await work
    .selectFrom('evidence_chains')
    .select(['chain', 'last_seq', 'last_hash'])
    .where('device_id', '=', device_id)
    .where('chain', '!=', chain)
    .where('last_seq', 'is not', null)
    .orderBy('last_ms', 'desc')
    .executeTakeFirst();
  if (row === undefined || row.last_seq === null || row.last_hash === null) return null;
  return { chain: row.chain, seq: Number(row.last_seq), hash: row.last_hash };
}

async function countersignatureOf(work: Work, chain: string, seq: number): Promise<EnvelopeJson> {
  const { countersignature } = await work
    .selectFrom('evidence_checkpoints')
    .select('countersignature')
    .where('chain', '=', chain)
    .where('seq', '=', seq)
    .executeTakeFirstOrThrow();
  return JSON.parse(countersignature) as EnvelopeJson;
}
