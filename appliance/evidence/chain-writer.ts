import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { fsyncFolder } from '../../base/atomic-file.ts';
import { BulkheadError } from '../../base/errors.ts';
import type { JsonObject } from '../../protocol/evidence/canonical.ts';
import { ChainState } from '../../protocol/evidence/chain-state.ts';
import { NO_RECORD, type RecordContent, sealRecord } from '../../protocol/evidence/record.ts';
import type { ChainPlace } from '../../protocol/evidence/statements.ts';
import { AppendFile } from './append-file.ts';
import type { EvidenceKey } from './key.ts';
import { SEGMENT_ROLL_BYTES } from './limits.ts';
import { type ChainFolder, segmentPath } from './segments.ts';

/** A record before it has its place. */
export interface NewRecord {
  kind: RecordContent['kind'];
  body: JsonObject;
}

export interface WriterOptions {
  key: EvidenceKey;
  now: () => Date;
  /** Instead of SEGMENT_ROLL_BYTES. */
  roll_bytes?: number;
}

/** Why a chain begins. */
export interface ChainOrigin {
  succeeds: ChainPlace | null;
  /** For people. */
  reason: string;
}

/** Signs and writes the records of one chain, one write after the other. */
export class ChainWriter {
  readonly folder: ChainFolder;
  readonly state: ChainState;
  /** Since it was opened, first records of segments included. */
  written_bytes = 0;
  readonly #options: WriterOptions;
  #file: AppendFile;
  #segment: number;

  private constructor(
    at: { folder: ChainFolder; state: ChainState; segment: number; file: AppendFile },
    options: WriterOptions,
  ) {
    this.folder = at.folder;
    this.state = at.state;
    this.#segment = at.segment;
    this.#file = at.file;
    this.#options = options;
  }

  /** Behind what is there. */
  static async resume(
    at: { folder: ChainFolder; state: ChainState; segment: number },
    options: WriterOptions,
  ): Promise<ChainWriter> {
    const file = await AppendFile.open(segmentPath(at.folder, at.segment), 'there');
    return new ChainWriter({ ...at, file }, options);
  }

  /** A new chain with its first record on the disk. @throws BulkheadError EVIDENCE_FULL, EVIDENCE_FAILED */
  static async begin(folder: ChainFolder, origin: ChainOrigin, options: WriterOptions): Promise<ChainWriter> {
    mkdirSync(folder.path, { recursive: true, mode: 0o750 });
    fsyncFolder(dirname(folder.path));
    const file = await AppendFile.open(segmentPath(folder, 1), 'new');
    const state = new ChainState({ chain: folder.chain, seq: 1, prev: NO_RECORD }, options.key.endorsed);
    const writer = new ChainWriter({ folder, state, segment: 1, file }, options);
    const { endorsement } = options.key;
    const body = { endorsement, reason: origin.reason, segment: 1, succeeds: origin.succeeds };
    state.beginSegment(1);
    await writer.#append([{ kind: 'chain.started', body: body as unknown as JsonObject }]);
    return writer;
  }

  /** Of the segment that is written to. */
  get segment(): { number: number; size_bytes: number } {
    return { number: this.#segment, size_bytes: this.#file.size_bytes };
  }

  /** Bytes that these records will take, at most. */
  static sizeOf(records: readonly NewRecord[]): number {
    return records.reduce(
      (sum, { body }) => sum + Buffer.byteLength(JSON.stringify(body)) + RECORD_FRAME_BYTES,
      0,
    );
  }

  /** All of them or none; on the disk when it resolves. @throws BulkheadError EVIDENCE_FULL, EVIDENCE_FAILED */
  async append(records: readonly NewRecord[]): Promise<void> {
    if (this.#file.size_bytes >= (this.#options.roll_bytes ?? SEGMENT_ROLL_BYTES)) await this.#rollOver();
    await this.#append(records);
  }

  async close(): Promise<void> {
    await this.#file.close();
  }

  async #append(records: readonly NewRecord[]): Promise<void> {
    const { state } = this;
    const { key, now } = this.#options;
    const sealed: { line: Uint8Array; hash: string }[] = [];
    const at = now().toISOString();
    let { seq, hash: prev } = state.head;
    for (const { kind, body } of records) {
      seq += 1;
      const { line, hash } = sealRecord(
        { at, body, chain: state.chain, format: 1, kind, prev, seq },
        key.signer,
      );
      sealed.push({ line: Buffer.from(line), hash });
      prev = hash;
    }
    const bytes = Buffer.concat(sealed.flatMap(({ line }) => [line, LINE_BREAK]));
    await this.#file.append(bytes);
    this.written_bytes += bytes.length;
    for (const { line, hash } of sealed) state.take(hash, line);
  }

  /** The next segment, which names the last of this one. Where there is no room for it, this one stays the last. */
  async #rollOver(): Promise<void> {
    const before = this.state.segment();
    if (before === null)
      throw new BulkheadError('EVIDENCE_FAILED', 'the beginning of this segment was not read');
    const [old, segment] = [this.#file, this.#segment + 1];
    const file = await AppendFile.open(segmentPath(this.folder, segment), 'new');
    const endorsement = this.#options.key.endorsement;
    const body = { before, endorsement, segment } as unknown as JsonObject;
    this.#file = file;
    const takeBack = this.state.beginSegment(segment);
    try {
      await this.#append([{ kind: 'segment.started', body }]);
    } catch (error) {
      this.#file = old;
      takeBack();
      await file.discard();
      throw error;
    }
    this.#segment = segment;
    await old.close();
  }
}

const LINE_BREAK = Buffer.from('\n');

/** What a record has beside its body: names, chain, two hashes, time, kind and signature. */
const RECORD_FRAME_BYTES = 480;
