import { Value } from '@sinclair/typebox/value';
import { describeError } from '../../base/errors.ts';
import { ChainStarted, CheckpointCountersigned, SegmentStarted } from './bodies.ts';
import { canonicalJson, type JsonObject } from './canonical.ts';
import type { KnownRecord } from './chain-check.ts';
import type { ChainState } from './chain-state.ts';
import { readEndorsement } from './endorsed-key.ts';
import type { Complaint } from './fault.ts';
import { openStatement, peekStatement } from './statement.ts';
import { CHECKPOINT, COUNTERSIGNATURE, type ExportManifest } from './statements.ts';

/** What the records say that hold a chain together, against what was read of it. Null: they agree. Pure. */

/** @param device_keys see readEndorsement */
export function complaintOfStart(
  state: ChainState,
  kind: 'chain.started' | 'segment.started',
  body: JsonObject,
  device_keys: readonly Uint8Array[],
): Complaint | null {
  const begins = kind === 'chain.started';
  if (begins && state.head.seq !== 0) return { kind: 'start', message: 'a chain begins a second time' };
  if (begins ? !Value.Check(ChainStarted, body) : !Value.Check(SegmentStarted, body))
    return { kind: 'malformed', message: 'it does not say what begins here' };
  try {
    if (readEndorsement(body['endorsement'], device_keys).key_id !== state.key.key_id)
      return { kind: 'key', message: 'it names another evidence key than the chain it is in' };
  } catch (error) {
    return { kind: 'key', message: `nobody to be trusted vouches for this key: ${describeError(error)}` };
  }
  const before = state.segment();
  if (before === null || canonicalJson({ ...before }) === canonicalJson(body['before'] ?? null)) return null;
  return { kind: 'segment', message: 'the segment before it is another one' };
}

/** @param body of chain.started, behind the end of `before` */
export function complaintOfSuccessor(before: ChainState, body: JsonObject): Complaint | null {
  if (!Value.Check(ChainStarted, body) || body.succeeds?.chain !== before.chain) return null;
  const { seq, hash } = body.succeeds;
  if (seq === before.head.seq && hash === before.head.hash) return null;
  const [chain, wanted] = [before.chain, Math.min(seq, before.head.seq + 1)];
  return {
    kind: 'cut',
    message: `the chain after it says that it went to record ${seq}`,
    chain,
    seq: wanted,
  };
}

/** @param coordinator_keys none: the countersignature is held to the record, but not to a key */
export function complaintOfCheckpoint(
  state: ChainState,
  body: JsonObject,
  coordinator_keys: readonly Uint8Array[],
): Complaint | null {
  if (!Value.Check(CheckpointCountersigned, body))
    return { kind: 'malformed', message: 'it does not say what was countersigned' };
  try {
    const checkpoint = openStatement(CHECKPOINT, body.checkpoint, [state.key.public_key]);
    const signed =
      coordinator_keys.length > 0
        ? openStatement(COUNTERSIGNATURE, body.countersignature, coordinator_keys)
        : peekStatement(COUNTERSIGNATURE, body.countersignature);
    const { chain, seq, hash } = checkpoint;
    if (signed.chain !== chain || signed.seq !== seq || signed.hash !== hash || chain !== state.chain)
      return { kind: 'checkpoint', message: 'what was countersigned is not the checkpoint beside it' };
    if (signed.device !== state.key.device)
      return { kind: 'checkpoint', message: 'it was countersigned for another device' };
    // Before the part of the chain that is here nothing can be compared.
    if (seq >= state.first.seq && state.hashOf(seq) !== hash)
      return { kind: 'checkpoint', message: `record ${seq} is not the one that was countersigned` };
    state.countersigned = { seq, at: signed.at };
    return null;
  } catch (error) {
    return { kind: 'checkpoint', message: describeError(error) };
  }
}

/** What was before the first record that is here. @param retired hash of the last record of retired segments, by chain and number */
export function complaintOfFirst(state: ChainState, retired: ReadonlyMap<string, string>): Complaint | null {
  const { chain, first } = state;
  if (first.seq === 1 || retired.get(`${chain} ${first.seq - 1}`) === first.prev) return null;
  const message = `records 1 to ${first.seq - 1} are not there, and no record says that they were retired`;
  return { kind: 'start', message, chain, seq: 1 };
}

/** @param known records of this chain that somebody else knows */
export function complaintOfEnd(state: ChainState, known: ReadonlyMap<number, KnownRecord>): Complaint | null {
  const { chain, head } = state;
  const beyond = [...known].filter(([seq, { kind }]) => kind === 'checkpoint' && seq > head.seq);
  const [seq, far] = beyond.at(-1) ?? [];
  if (far === undefined) return null;
  return {
    kind: 'cut',
    message: `${far.says} record ${seq}, and the chain ends with ${head.seq}`,
    chain,
    seq: head.seq + 1,
  };
}

/** Whether an export holds what it says. */
export function complaintOfManifest(
  { chains }: ExportManifest,
  states: readonly ChainState[],
): Complaint | null {
  for (const { chain, first_seq, last_seq, last_hash } of chains) {
    const state = states.find((one) => one.chain === chain);
    if (!state) return { kind: 'cut', message: `chain ${chain} is not there`, chain, seq: first_seq };
    const { head, first } = state;
    if (first.seq !== first_seq)
      return {
        kind: 'missing',
        message: `the chain does not begin with ${first_seq}`,
        chain,
        seq: first_seq,
      };
    if (head.seq < last_seq) {
      const message = `the export goes to record ${last_seq}, and ends behind ${head.seq}`;
      return { kind: 'cut', message, chain, seq: head.seq + 1 };
    }
    if (head.seq > last_seq || head.hash !== last_hash)
      return { kind: 'manifest', message: 'the list of the export names another end', chain, seq: last_seq };
  }
  const stray = states.find(({ chain }) => !chains.some((one) => one.chain === chain));
  if (!stray) return null;
  return {
    kind: 'manifest',
    message: 'it is not on the list of the export',
    chain: stray.chain,
    seq: stray.first.seq,
  };
}
