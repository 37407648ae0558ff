import { Value } from '@sinclair/typebox/value';
import { describeError } from '../../base/errors.ts';
import { SegmentRetired } from './bodies.ts';
import { ChainState, type ChainSummary } from './chain-state.ts';
import { readEndorsement } from './endorsed-key.ts';
import { type Complaint, type Fault, FaultFound, type Place } from './fault.ts';
import {
  complaintOfCheckpoint,
  complaintOfEnd,
  complaintOfFirst,
  complaintOfManifest,
  complaintOfStart,
  complaintOfSuccessor,
} from './held-together.ts';
import { NO_RECORD, parseRecordLine, type RecordLine } from './record.ts';
import type { ExportManifest } from './statements.ts';

/** A record that somebody else knows. */
export interface KnownRecord {
  hash: string;
  /** checkpoint: the coordinator has countersigned it, so it has to be there; fork: it stands in another file. */
  kind: 'checkpoint' | 'fork';
  /** Who: `the coordinator has countersigned`, `jan.jsonl holds`. */
  says: string;
}

/** Chain to number to record. */
export type KnownRecords = ReadonlyMap<string, ReadonlyMap<number, KnownRecord>>;

export interface CheckOptions {
  /** Device keys whose endorsement counts; none: each chain is believed whose key it is. */
  device_keys: readonly Uint8Array[];
  /** Keys of the coordinator; none: countersignatures are held to the records, but not to a key. */
  coordinator_keys: readonly Uint8Array[];
  /** Ids of the evidence keys that chains may have; none given: any that is endorsed. */
  key_ids?: readonly string[];
  known?: KnownRecords;
  /** One segment by itself: what was before it is not asked for. */
  partial?: boolean;
}

/** Reads records in their order and stops at the first bad one. Touches nothing, and its memory does not grow with the length. */
export class ChainCheck {
  readonly #options: CheckOptions;
  readonly #manifest: ExportManifest | null;
  readonly #chains: ChainState[] = [];
  /** Hash of the last record of retired segments, by chain and number. */
  readonly #retired = new Map<string, string>();
  /** A record is not where it belongs: the next line says whether it is missing, or only swapped. */
  #missing: (Fault & { seq: number }) | null = null;
  #at: Place = { file: '', line: 0 };

  /** @param manifest what an export says that it holds; nothing but its end depends on it */
  constructor(options: CheckOptions, manifest: ExportManifest | null = null) {
    this.#options = options;
    this.#manifest = manifest;
  }

  /** One line without its line break. @throws FaultFound */
  feed(line: Uint8Array, at: Place): void {
    if (this.#missing) throw new FaultFound(this.#missingOrSwapped(this.#missing, line));
    this.#at = at;
    const read = this.#read(line);
    const state = this.#chains.at(-1);
    if (state?.chain === read.record.chain) this.#take(state, read, line);
    else this.#take(this.#begin(read, state), read, line);
  }

  /** There are no more lines. @throws FaultFound */
  finish(): readonly ChainState[] {
    if (this.#missing) throw new FaultFound(this.#missing);
    for (const state of this.#chains) {
      if (this.#options.partial !== true) this.#complain(complaintOfFirst(state, this.#retired));
      this.#complain(complaintOfEnd(state, this.#options.known?.get(state.chain) ?? new Map()));
    }
    if (this.#manifest) this.#complain(complaintOfManifest(this.#manifest, this.#chains));
    return this.#chains;
  }

  /** The chain that was read last. */
  get last(): ChainState | undefined {
    return this.#chains.at(-1);
  }

  summaries(): ChainSummary[] {
    return this.#chains.map((state) => state.summary());
  }

  /** The record that would stand next; nulls where nothing says which. */
  next(): { chain: string | null; seq: number | null } {
    const state = this.#chains.at(-1);
    const listed = this.#manifest?.chains ?? [];
    const at = listed.findIndex(({ chain }) => chain === state?.chain);
    if (state !== undefined && listed[at]?.last_seq !== state.head.seq)
      return { chain: state.chain, seq: state.head.seq + 1 };
    const following = listed[at + 1];
    return { chain: following?.chain ?? null, seq: following?.first_seq ?? null };
  }

  #read(line: Uint8Array): RecordLine {
    try {
      return parseRecordLine(line);
    } catch (error) {
      throw this.#found({ kind: 'malformed', message: describeError(error) });
    }
  }

  /** The first record of a chain, or of the part of it that is here. */
  #begin(read: RecordLine, before: ChainState | undefined): ChainState {
    const { record } = read;
    const { chain, seq, kind, prev, body } = record;
    const [expected, claimed] = [this.next(), { chain, seq }];
    // Only the list of an export says which chain comes next.
    const isListed = this.#manifest !== null && expected.chain !== null;
    const place = isListed || (before && kind !== 'chain.started') ? expected : claimed;
    if (kind !== 'chain.started' && kind !== 'segment.started')
      throw this.#found(
        before
          ? { kind: 'changed', message: 'it is not of the chain that it stands in', ...expected }
          : { kind: 'start', message: 'a chain, or a part of one, does not begin with it', ...place },
      );
    const key = this.#endorsed(body['endorsement'], place);
    if (!key.check(read.signed, read.signature))
      throw this.#found({ kind: 'changed', message: 'it is not what the evidence key has signed', ...place });
    if (isListed && (place.chain !== chain || place.seq !== seq))
      throw this.#found({
        kind: 'missing',
        message: `record ${seq} of chain ${chain} stands in its place`,
        ...place,
      });
    if (this.#chains.some((state) => state.chain === chain))
      throw this.#found({
        kind: 'repeated',
        message: 'it belongs to a chain that has ended before',
        ...claimed,
      });
    const isFirst = kind === 'chain.started';
    if (isFirst !== (seq === 1) || isFirst !== (prev === NO_RECORD))
      throw this.#found({
        kind: 'start',
        message: 'chain.started is the first record, and no other',
        ...claimed,
      });
    const state = new ChainState(record, key);
    if (before) this.#complain(complaintOfSuccessor(before, body));
    this.#chains.push(state);
    return state;
  }

  #take(state: ChainState, read: RecordLine, line: Uint8Array): void {
    const { kind, body, chain, seq, prev } = read.record;
    const expected = state.head.seq + 1;
    if (!state.key.check(read.signed, read.signature))
      throw this.#found({ kind: 'changed', message: 'it is not what the evidence key has signed' });
    if (seq > expected) {
      const upTo = seq - 1 === expected ? ' is' : ` to ${seq - 1} are`;
      const message = `record ${expected}${upTo} not there: ${seq} stands behind ${state.head.seq}`;
      this.#missing = { kind: 'missing', message, ...this.#at, chain, seq: expected };
      return;
    }
    if (seq < expected) {
      const again = state.hashOf(seq) === read.hash;
      const message = again ? 'it stands here a second time' : `there is another record ${seq} before it`;
      throw this.#found({ kind: again ? 'repeated' : 'fork', message, chain, seq });
    }
    if (prev !== state.head.hash)
      throw this.#found({
        kind: 'fork',
        message: `it follows another record ${seq - 1} than the one before it`,
      });
    const known = this.#options.known?.get(chain)?.get(seq);
    if (known !== undefined && known.hash !== read.hash)
      throw this.#found({ kind: known.kind, message: `${known.says} another record ${seq}` });
    if (kind === 'chain.started' || kind === 'segment.started') {
      this.#complain(complaintOfStart(state, kind, body, this.#options.device_keys));
      state.beginSegment(Number(body['segment']));
    }
    if (kind === 'checkpoint.countersigned')
      this.#complain(complaintOfCheckpoint(state, body, this.#options.coordinator_keys));
    if (kind === 'segment.retired') {
      if (!Value.Check(SegmentRetired, body))
        throw this.#found({ kind: 'malformed', message: 'it does not say what was retired' });
      this.#retired.set(`${body.chain} ${body.segment.last_seq}`, body.segment.last_hash);
    }
    state.take(read.hash, line);
  }

  #missingOrSwapped(missing: Fault & { seq: number }, line: Uint8Array): Fault {
    const state = this.#chains.at(-1);
    const { seq } = missing;
    try {
      const { record, signed, signature } = parseRecordLine(line);
      const isIt =
        record.seq === seq && record.chain === missing.chain && state?.key.check(signed, signature);
      if (isIt) return { ...missing, kind: 'swapped', message: `record ${seq} stands behind a later one` };
    } catch {
      // Then it is not the one that is missing.
    }
    return missing;
  }

  #endorsed(endorsement: unknown, place: { chain: string | null; seq: number | null }) {
    try {
      const key = readEndorsement(endorsement, this.#options.device_keys);
      const { key_ids = [] } = this.#options;
      if (key_ids.length > 0 && !key_ids.includes(key.key_id)) throw new Error(`it is ${key.key_id}`);
      return key;
    } catch (error) {
      const message = `nobody to be trusted vouches for its key: ${describeError(error)}`;
      throw this.#found({ kind: 'key', message, ...place });
    }
  }

  #complain(complaint: Complaint | null): void {
    if (complaint) throw this.#found(complaint);
  }

  #found(complaint: Complaint): FaultFound {
    return new FaultFound({ ...this.#at, ...this.next(), ...complaint });
  }
}
