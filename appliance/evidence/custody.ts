import { closeSync, existsSync, openSync, readFileSync, readSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { type Static, Type as t } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { fsyncFolder, writeFileAtomic } from '../../base/atomic-file.ts';
import { BulkheadError } from '../../base/errors.ts';
import { Unknowable } from '../../base/schema.ts';
import type { EnvelopeJson } from '../../base/signing/dsse.ts';
import { canonicalJson, type JsonObject } from '../../protocol/evidence/canonical.ts';
import { SEGMENT_PIECE_MAX_BYTES } from '../../protocol/evidence/limits.ts';
import { openStatement } from '../../protocol/evidence/statement.ts';
import { SEGMENT_RECEIPT, type SegmentFacts } from '../../protocol/evidence/statements.ts';
import type { Evidence } from './evidence.ts';
import { EVIDENCE_MAX_BYTES, QUARANTINE_RETRY_MS, RETIRE_ABOVE_SHARE } from './limits.ts';
import { factsOfSegment } from './segment-facts.ts';
import { listChains, listSegments, type SegmentFile } from './segments.ts';

/** What is known of a finished segment beside its records. In a file beside it, so that nothing of it is lost with a restart. */
const CustodyNote = t.Object({
  /** The coordinator keeps it: its word, and the keys that were said to be its own. */
  receipt: Unknowable(
    t.Object({ envelope: t.Unsafe<EnvelopeJson>(t.Object({})), keys: t.Array(t.String()) }),
  ),
  /** Somebody keeps an export that holds it. */
  exported: Unknowable(t.Object({ at: t.String(), sha256: t.String() })),
  /** The coordinator has refused it. */
  refused: Unknowable(
    t.Object({ at: t.String(), code: t.String(), message: t.String(), times: t.Integer({ minimum: 1 }) }),
  ),
});
type CustodyNote = Static<typeof CustodyNote>;
const NOTHING: CustodyNote = { receipt: null, exported: null, refused: null };

/** open: still written to; waiting: for the coordinator or an export; quarantined: refused, and offered again; damaged: never leaves by itself. */
export type CustodyState = 'open' | 'waiting' | 'quarantined' | 'received' | 'exported' | 'damaged';

export interface SegmentStanding extends SegmentFile {
  state: CustodyState;
  facts: SegmentFacts | null;
  note: CustodyNote;
}

/** Who else keeps the segments, and which may therefore go. Nothing goes because it is old, or because somebody does not want it. */
export class Custody {
  readonly #evidence: Evidence;
  readonly #facts = new Map<string, SegmentFacts | null>();

  constructor(evidence: Evidence) {
    this.#evidence = evidence;
  }

  /** Oldest first. */
  list(): SegmentStanding[] {
    return listChains(this.#evidence.options.folder).flatMap((chain) =>
      listSegments(chain).map((file, _, all) => this.#standing(file, all)),
    );
  }

  /** The next one for the coordinator; null: nothing, or nothing now. */
  nextUpload(): { chain: string; facts: SegmentFacts } | null {
    const now_ms = this.#evidence.options.now().getTime();
    for (const { chain, state, facts, note } of this.list()) {
      if (
        facts === null ||
        note.receipt !== null ||
        (state !== 'waiting' && state !== 'quarantined' && state !== 'exported')
      )
        continue;
      if (note.refused && now_ms - Date.parse(note.refused.at) < QUARANTINE_RETRY_MS) continue;
      return { chain, facts };
    }
    return null;
  }

  /** Whole lines from a place on, as many as fit into one piece. @throws BulkheadError EVIDENCE_SEGMENT_UNKNOWN */
  piece(chain: string, segment: number, offset_bytes: number): Uint8Array {
    const { path } = this.#finished(chain, segment);
    const file = openSync(path, 'r');
    try {
      const bytes = Buffer.alloc(SEGMENT_PIECE_MAX_BYTES);
      const got = bytes.subarray(0, readSync(file, bytes, 0, bytes.length, offset_bytes));
      return got.subarray(0, got.lastIndexOf(10) + 1);
    } finally {
      closeSync(file);
    }
  }

  /**
   * The coordinator has it.
   *
   * @param keys raw keys of the coordinator, as the enrolment gave them
   * @throws BulkheadError EVIDENCE_SEGMENT_UNKNOWN, EVIDENCE_STATEMENT_INVALID, EVIDENCE_RECEIPT_WRONG
   */
  async received(
    chain: string,
    segment: number,
    envelope: EnvelopeJson,
    keys: readonly Uint8Array[],
  ): Promise<void> {
    const standing = this.#finished(chain, segment);
    const receipt = openStatement(SEGMENT_RECEIPT, envelope, keys);
    const { device } = this.#evidence.options.key.endorsed;
    const fits = receipt.chain === chain && receipt.device === device;
    if (!fits || canonicalJson({ ...receipt.segment }) !== canonicalJson({ ...standing.facts }))
      throw new BulkheadError(
        'EVIDENCE_RECEIPT_WRONG',
        `the receipt is not for segment ${segment} of chain ${chain}`,
      );
    const encoded = keys.map((key) => Buffer.from(key).toString('base64'));
    this.#write(standing, { ...standing.note, receipt: { envelope, keys: encoded }, refused: null });
    await this.retire();
  }

  /** The coordinator does not want it: it stays, is shown, and offered again. */
  refused(chain: string, segment: number, code: string, message: string): void {
    const standing = this.#finished(chain, segment);
    const at = this.#evidence.options.now().toISOString();
    const times = (standing.note.refused?.times ?? 0) + 1;
    this.#write(standing, { ...standing.note, refused: { at, code, message, times } });
  }

  /** Somebody keeps an export with all finished segments up to these records. @param sha256 of the export */
  async exported(chains: readonly { chain: string; last_seq: number }[], sha256: string): Promise<void> {
    const at = this.#evidence.options.now().toISOString();
    for (const standing of this.list()) {
      const last_seq = chains.find(({ chain }) => chain === standing.chain)?.last_seq ?? 0;
      if (standing.state === 'open' || standing.facts === null || standing.facts.last_seq > last_seq)
        continue;
      this.#write(standing, { ...standing.note, exported: { at, sha256 } });
    }
    await this.retire();
  }

  /** While there is much, the oldest that somebody else keeps go: first it is put on record what they were, then the file is removed. */
  async retire(): Promise<void> {
    const evidence = this.#evidence;
    const { max_bytes = EVIDENCE_MAX_BYTES } = evidence.options;
    const isRoomy = () => evidence.size_bytes() <= max_bytes * RETIRE_ABOVE_SHARE;
    if (isRoomy()) return;
    /** Chains whose beginning has to stay: what is behind it stays, too, or a record would be missing in the middle. */
    const held = new Set<string>();
    for (const { chain, facts, note, path } of this.list()) {
      if (isRoomy()) return;
      if (facts === null || (note.receipt === null && note.exported === null)) held.add(chain);
      if (facts === null || held.has(chain)) continue;
      const { receipt, exported } = note;
      const body = { chain, exported, receipt, segment: facts } as unknown as JsonObject;
      await evidence.appendInReserve([{ kind: 'segment.retired', body }]);
      rmSync(path);
      rmSync(noteFile(path), { force: true });
      fsyncFolder(dirname(path));
      this.#facts.delete(path);
      evidence.recount();
    }
  }

  #standing(file: SegmentFile, all: readonly SegmentFile[]): SegmentStanding {
    const { state, segment } = this.#evidence.writer;
    if (file.chain === state.chain && file.segment === segment.number)
      return { ...file, size_bytes: segment.size_bytes, state: 'open', facts: null, note: NOTHING };
    let facts = this.#facts.get(file.path);
    if (facts === undefined) {
      facts = factsOfSegment(file, all);
      this.#facts.set(file.path, facts);
    }
    const note = readNote(file.path);
    return { ...file, facts, note, state: facts === null ? 'damaged' : stateOf(note) };
  }

  #finished(chain: string, segment: number): SegmentStanding & { facts: SegmentFacts } {
    const found = this.list().find((one) => one.chain === chain && one.segment === segment);
    if (found && found.facts !== null) return { ...found, facts: found.facts };
    throw new BulkheadError(
      'EVIDENCE_SEGMENT_UNKNOWN',
      `there is no finished segment ${segment} of chain ${chain}`,
    );
  }

  #write({ path }: SegmentFile, note: CustodyNote): void {
    writeFileAtomic(noteFile(path), `${JSON.stringify(note)}\n`, 0o640);
  }
}

function stateOf({ receipt, exported, refused }: CustodyNote): CustodyState {
  if (receipt !== null) return 'received';
  if (exported !== null) return 'exported';
  return refused === null ? 'waiting' : 'quarantined';
}

function noteFile(path: string): string {
  return path.replace(/\.jsonl$/, '.custody.json');
}

/** A note that cannot be read is none: the segment is offered again, and nothing is removed for want of it. */
function readNote(path: string): CustodyNote {
  const file = noteFile(path);
  if (!existsSync(file)) return NOTHING;
  try {
    const note: unknown = JSON.parse(readFileSync(file, 'utf8'));
    return Value.Check(CustodyNote, note) ? note : NOTHING;
  } catch {
    // As above.
    return NOTHING;
  }
}
