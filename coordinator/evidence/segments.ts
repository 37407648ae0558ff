import { describeError } from '../../base/errors.ts';
import type { EnvelopeJson } from '../../base/signing/dsse.ts';
import { canonicalJson } from '../../protocol/evidence/canonical.ts';
import { ChainCheck, type KnownRecord } from '../../protocol/evidence/chain-check.ts';
import type { ChainState } from '../../protocol/evidence/chain-state.ts';
import { FaultFound } from '../../protocol/evidence/fault.ts';
import type { SegmentMessage } from '../../protocol/evidence/messages.ts';
import { parseRecordLine } from '../../protocol/evidence/record.ts';
import { peekStatement, sealStatement } from '../../protocol/evidence/statement.ts';
import { SEGMENT_RECEIPT } from '../../protocol/evidence/statements.ts';
import type { Coordinator } from '../context.ts';
import type { Work } from '../database/tables.ts';
import { type Claim, takeClaim } from '../reports/claim.ts';
import { deviceKeys, endorsedKey, findOrAddChain, forked, noteTrouble, refused } from './chains.ts';
import { DEVICE_EVIDENCE_MAX_BYTES } from './limits.ts';
import { settledUntil } from './settle.ts';

export interface SegmentProgress {
  /** Where the next piece begins. */
  received_bytes: number;
  /** Once all is there and verified. */
  receipt: EnvelopeJson | null;
}

/** What comes out of the transaction: an answer, or what to refuse once it has been written down. */
type Outcome = SegmentProgress | { refuse: string } | { forked: string };

/**
 * One piece of a finished segment. The same may come twice; one that does not fit is not taken, and the answer says where the next one
 * begins. With the last one the whole is verified: record by record, against the checkpoints that were countersigned, and against its neighbours.
 *
 * @throws BulkheadError EVIDENCE_REFUSED, EVIDENCE_FORKED, and what takeClaim throws
 */
export async function takeSegment(
  coordinator: Coordinator,
  claim: Claim,
  message: SegmentMessage,
): Promise<SegmentProgress> {
  const now_ms = coordinator.now_ms();
  const { chain } = message;
  const outcome = await coordinator.doWork(async (work): Promise<Outcome> => {
    await takeClaim(work, claim, now_ms);
    const taken = await takePiece(coordinator, work, claim.device_id, message);
    if ('forked' in taken) await noteTrouble(work, chain, taken.forked, now_ms);
    if (!('received_bytes' in taken)) await dropPieces(work, message);
    return taken;
  });
  if ('refuse' in outcome) throw refused(outcome.refuse);
  if ('forked' in outcome) throw forked(chain, outcome.forked);
  return outcome;
}

async function takePiece(
  coordinator: Coordinator,
  work: Work,
  device_id: string,
  message: SegmentMessage,
): Promise<Outcome> {
  const { chain, facts, offset_bytes, text } = message;
  const kept = await keptReceipt(work, message);
  const owner = await work
    .selectFrom('evidence_chains')
    .select('device_id')
    .where('chain', '=', chain)
    .executeTakeFirst();
  if (owner && owner.device_id !== device_id) throw refused('this chain belongs to another appliance');
  if (kept) {
    if (kept.isSame) return { received_bytes: facts.size_bytes, receipt: kept.receipt };
    if (kept.received_ms <= (await settledUntil(work, chain)))
      return { refuse: `another segment ${facts.segment} is kept here, from before the chain was settled` };
    return { forked: `segment ${facts.segment} is another than the one that is kept here` };
  }
  const pieces = await readPieces(work, message);
  const received_bytes = pieces.reduce((sum, piece) => sum + Number(piece.size_bytes), 0);
  if (text === '' || offset_bytes !== received_bytes) return { received_bytes, receipt: null };
  const size_bytes = Buffer.byteLength(text);
  if (!text.endsWith('\n') || received_bytes + size_bytes > facts.size_bytes)
    return { refuse: 'a piece has to be whole lines, and no more than the segment has' };
  if (!owner) await addChainOf(coordinator, work, device_id, message);
  if ((await deviceBytes(work, device_id)) + size_bytes > DEVICE_EVIDENCE_MAX_BYTES)
    throw refused('the evidence of this appliance has no more room here');
  const { segment } = facts;
  await work
    .insertInto('evidence_pieces')
    .values({ chain, segment, position: offset_bytes, size_bytes, text })
    .execute();
  if (received_bytes + size_bytes < facts.size_bytes)
    return { received_bytes: received_bytes + size_bytes, receipt: null };
  const whole = [...pieces.map((piece) => piece.text), text].join('');
  return await keepSegment(coordinator, work, device_id, message, whole);
}

/** Every record has been seen: the segment is kept, and the checkpoints in it have done their work. */
async function keepSegment(
  coordinator: Coordinator,
  work: Work,
  device_id: string,
  { chain, facts }: SegmentMessage,
  text: string,
): Promise<Outcome> {
  const read = await readWhole(coordinator, work, device_id, chain, text);
  if (!('state' in read)) return read;
  const { state } = read;
  if (state.chain !== chain || canonicalJson({ ...facts }) !== canonicalJson({ ...state.segment() }))
    return { refuse: 'it is not the segment that was announced' };
  const { segment, first_seq, last_seq, last_hash, size_bytes } = facts;
  const first_prev = state.first.prev;
  const settled_ms = await settledUntil(work, chain);
  const neighbours = await work
    .selectFrom('evidence_segments')
    .select(['segment', 'first_prev', 'last_hash'])
    .where('chain', '=', chain)
    .where('segment', 'in', [segment - 1, segment + 1])
    .where('received_ms', '>', settled_ms)
    .execute();
  for (const other of neighbours) {
    const fits =
      Number(other.segment) < segment ? other.last_hash === first_prev : other.first_prev === last_hash;
    if (!fits) return { forked: `segment ${segment} does not fit to segment ${other.segment}` };
  }
  const now_ms = coordinator.now_ms();
  const statement = {
    at: new Date(now_ms).toISOString(),
    chain,
    device: state.key.device,
    format: 1 as const,
  };
  const receipt = sealStatement(SEGMENT_RECEIPT, { ...statement, segment: facts }, coordinator.orderKey);
  const row = { chain, segment, first_seq, last_seq, first_prev, last_hash, size_bytes };
  await work
    .insertInto('evidence_segments')
    .values({ ...row, received_ms: now_ms, receipt: JSON.stringify(receipt) })
    .execute();
  await work
    .deleteFrom('evidence_checkpoints')
    .where('chain', '=', chain)
    .where('seq', '>=', first_seq)
    .where('seq', '<=', last_seq)
    // Those from before a settlement are what shows that there was something to settle.
    .where('received_ms', '>', settled_ms)
    // The last one is what the next checkpoint is held to.
    .where('seq', '<', (query) =>
      query.selectFrom('evidence_chains').select('last_seq').where('chain', '=', chain),
    )
    .execute();
  return { received_bytes: size_bytes, receipt };
}

async function readWhole(
  { orderKey }: Coordinator,
  work: Work,
  device_id: string,
  chain: string,
  text: string,
): Promise<{ state: ChainState } | Outcome> {
  const checkpoints = await work
    .selectFrom('evidence_checkpoints')
    .select(['seq', 'hash'])
    .where('chain', '=', chain)
    .where('received_ms', '>', await settledUntil(work, chain))
    .execute();
  const known = new Map(checkpoints.map(({ seq, hash }) => [Number(seq), knownRecord(hash)]));
  const check = new ChainCheck({
    ...{
      device_keys: await deviceKeys(work, device_id),
      coordinator_keys: [orderKey.public_key],
      partial: true,
    },
    known: new Map([[chain, known]]),
  });
  try {
    text
      .slice(0, -1)
      .split('\n')
      .forEach((line, at) => {
        check.feed(Buffer.from(line), { file: 'segment', line: at + 1 });
      });
    const { last } = check;
    return last ? { state: last } : { refuse: 'there is no record in it' };
  } catch (error) {
    if (!(error instanceof FaultFound)) throw error;
    const { kind, seq } = error.fault;
    const why = `record ${seq}: ${kind}: ${describeError(error)}`;
    return kind === 'checkpoint' || kind === 'fork' ? { forked: why } : { refuse: why };
  }
}

/** A record that is not what was countersigned is a fork, whoever says it. */
const knownRecord = (hash: string): KnownRecord => ({
  hash,
  kind: 'fork',
  says: 'the coordinator has countersigned',
});

/** A chain whose segments come before any checkpoint of it: an old one of the same appliance. */
async function addChainOf(
  coordinator: Coordinator,
  work: Work,
  device_id: string,
  { chain, text }: SegmentMessage,
): Promise<void> {
  const first = readFirst(text);
  const key = await endorsedKey(work, device_id, first);
  const now_ms = coordinator.now_ms();
  await findOrAddChain(work, { chain, device_id, key_id: key.key_id, endorsement: first, now_ms });
}

function readFirst(text: string): unknown {
  try {
    return parseRecordLine(Buffer.from(text.slice(0, text.indexOf('\n')))).record.body['endorsement'];
  } catch (cause) {
    throw refused('it does not begin with a record', cause);
  }
}

async function keptReceipt(work: Work, { chain, facts }: SegmentMessage) {
  const row = await work
    .selectFrom('evidence_segments')
    .select(['receipt', 'received_ms'])
    .where('chain', '=', chain)
    .where('segment', '=', facts.segment)
    .executeTakeFirst();
  if (!row) return undefined;
  const receipt = JSON.parse(row.receipt) as EnvelopeJson;
  const { segment } = peekStatement(SEGMENT_RECEIPT, receipt);
  const received_ms = Number(row.received_ms);
  return { receipt, received_ms, isSame: canonicalJson({ ...segment }) === canonicalJson({ ...facts }) };
}

async function readPieces(work: Work, { chain, facts }: SegmentMessage) {
  return await work
    .selectFrom('evidence_pieces')
    .select(['size_bytes', 'text'])
    .where('chain', '=', chain)
    .where('segment', '=', facts.segment)
    .orderBy('position')
    .execute();
}

async function dropPieces(work: Work, { chain, facts }: SegmentMessage): Promise<void> {
  const kept = await keptReceipt(work, { chain, facts } as SegmentMessage);
  if (kept) return;
  await work
    .deleteFrom('evidence_pieces')
    .where('chain', '=', chain)
    .where('segment', '=', facts.segment)
    .execute();
}

async function deviceBytes(work: Work, device_id: string): Promise<number> {
  const { bytes } = await work
    .selectFrom('evidence_pieces')
    .innerJoin('evidence_chains', 'evidence_chains.chain', 'evidence_pieces.chain')
    .select((select) => select.fn.sum<number | null>('evidence_pieces.size_bytes').as('bytes'))
    .where('evidence_chains.device_id', '=', device_id)
    .executeTakeFirstOrThrow();
  return Number(bytes ?? 0);
}
