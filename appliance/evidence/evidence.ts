import { closeSync, mkdirSync, openSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Value } from '@sinclair/typebox/value';
import { BulkheadError, describeError } from '../../base/errors.ts';
import { lockFile } from '../../base/file-lock.ts';
import { ChainStarted } from '../../protocol/evidence/bodies.ts';
import type { ChainPlace } from '../../protocol/evidence/statements.ts';
import { AcknowledgedMark } from './append-file.ts';
import { AppendQueue, type Head, type Wish } from './append-queue.ts';
import { type ChainOrigin, ChainWriter, type NewRecord, type WriterOptions } from './chain-writer.ts';
import { Checkpoints } from './checkpoints.ts';
import { Custody } from './custody.ts';
import type { EvidenceEntry, EvidenceLog } from './entry.ts';
import type { EvidenceKey } from './key.ts';
import { EVIDENCE_MAX_BYTES, EVIDENCE_RESERVE_BYTES, LOCK_PATIENCE_S } from './limits.ts';
import { acknowledgedFile, recoverChain } from './recover.ts';
import { firstRecord } from './segment-facts.ts';
import { chainFolder, listChains, listSegments, segmentPath } from './segments.ts';

export interface EvidenceOptions {
  /** The evidence's own folder, on a file system that can be full without harm to others. Made where it is missing. */
  folder: string;
  key: EvidenceKey;
  now: () => Date;
  random: (size_bytes: number) => Uint8Array;
  warn: (message: string) => void;
  /** Nothing is taken any more until the log is opened anew: what the disk holds has to be read first. Called once. */
  onFailure?: () => void;
  /** Instead of EVIDENCE_MAX_BYTES, EVIDENCE_RESERVE_BYTES, SEGMENT_ROLL_BYTES. */
  max_bytes?: number;
  reserve_bytes?: number;
  roll_bytes?: number;
  /** Instead of LOCK_PATIENCE_S. */
  lock_patience_s?: number;
}

/**
 * Opens the evidence of this appliance, and begins a chain where there is none that this key can go on with.
 *
 * @throws BulkheadError EVIDENCE_LOCKED when another process has it open; EVIDENCE_FULL, EVIDENCE_FAILED
 */
export async function openEvidence(options: EvidenceOptions): Promise<Evidence> {
  const { folder } = options;
  mkdirSync(folder, { recursive: true, mode: 0o750 });
  const lock = openSync(join(folder, 'lock'), 'a', 0o640);
  try {
    if (!lockFile(lock, options.lock_patience_s ?? LOCK_PATIENCE_S))
      throw new BulkheadError('EVIDENCE_LOCKED', `another process writes to ${folder}`, {
        hint: 'the evidence has one writer; is the service running?',
      });
    const writer = await openChain(options);
    return new Evidence(options, writer, lock);
  } catch (error) {
    closeSync(lock);
    throw error;
  }
}

/** The chain that is written to now. */
async function openChain(options: EvidenceOptions): Promise<ChainWriter> {
  const { folder, key, warn } = options;
  for (let chains = listChains(folder); ; chains = listChains(folder)) {
    const last = chains.at(-1);
    if (!last)
      return await beginChain(options, 1, { succeeds: null, reason: 'there is no chain in this store' });
    const found = recoverChain(folder, last);
    if (found.how === 'hollow') {
      rmSync(last.path, { recursive: true });
      continue;
    }
    if (found.how === 'damaged') {
      warn(`the chain ${last.chain} cannot go on, another one begins: ${found.reason}`);
      const reason = `the chain before it is damaged: ${found.reason}`.slice(0, 500);
      return await beginChain(options, last.number + 1, { succeeds: found.last, reason });
    }
    const { state, segment, cut_bytes } = found;
    if (cut_bytes > 0) warn(`${cut_bytes} bytes of a record that was never acknowledged were cut off`);
    if (state.key.key_id !== key.signer.key_id || state.key.device !== key.endorsed.device) {
      const succeeds: ChainPlace = { chain: last.chain, ...state.head };
      return await beginChain(options, last.number + 1, {
        succeeds,
        reason: 'the key of the evidence is another one',
      });
    }
    return await ChainWriter.resume({ folder: last, state, segment }, writerOptions(options));
  }
}

async function beginChain(
  options: EvidenceOptions,
  number: number,
  origin: ChainOrigin,
): Promise<ChainWriter> {
  const chain = Buffer.from(options.random(16)).toString('hex');
  return await ChainWriter.begin(chainFolder(options.folder, number, chain), origin, writerOptions(options));
}

function writerOptions({ key, now, roll_bytes }: EvidenceOptions): WriterOptions {
  return { key, now, ...(roll_bytes === undefined ? {} : { roll_bytes }) };
}

/** Behind these the file is as it was. */
const HARMLESS = ['EVIDENCE_FULL', 'EVIDENCE_RECORD_INVALID'];

/** The log of one appliance. */
export class Evidence implements EvidenceLog {
  readonly options: EvidenceOptions;
  readonly custody: Custody;
  readonly checkpoints: Checkpoints;
  /** Where the chain before this one ended; null: there was none, or what says so was retired. */
  readonly succeeds: ChainPlace | null;
  readonly #writer: ChainWriter;
  readonly #mark: AcknowledgedMark;
  readonly #queue: AppendQueue;
  readonly #lock: number;
  #failure: unknown = null;
  #news_seq: number;
  /** What was here when it was opened, less what has gone. */
  #others_bytes = 0;
  #stopped = false;
  #retiring: Promise<void> | null = null;
  /** With each new segment there is something to look at; with each record it would be too often. */
  #segment_seen = 0;

  constructor(options: EvidenceOptions, writer: ChainWriter, lock: number) {
    this.options = options;
    this.#writer = writer;
    this.#lock = lock;
    this.#mark = new AcknowledgedMark(acknowledgedFile(options.folder));
    this.#mark.set({ chain: writer.state.chain, ...writer.state.head });
    this.#queue = new AppendQueue((wishes) => this.#write(wishes));
    const body = firstRecord(segmentPath(writer.folder, 1))?.body;
    this.succeeds = body !== undefined && Value.Check(ChainStarted, body) ? body.succeeds : null;
    this.#news_seq = writer.state.head.seq;
    this.custody = new Custody(this);
    this.checkpoints = new Checkpoints(this);
    this.recount();
  }

  async append(entries: readonly EvidenceEntry[]): Promise<Head> {
    return await this.#add(entries, false);
  }

  /** What makes room again, out of what is kept for it. */
  async appendInReserve(entries: readonly EvidenceEntry[]): Promise<Head> {
    return await this.#add(entries, true);
  }

  head(): Head {
    return { ...this.#writer.state.head };
  }

  get writer(): Pick<ChainWriter, 'state' | 'segment' | 'folder'> {
    return this.#writer;
  }

  /** The last record that is worth a checkpoint: those about checkpoints alone are not. After a start it is not known, and the last one counts. */
  get news_seq(): number {
    return this.#news_seq;
  }

  /** Bytes of all segments that are here. */
  size_bytes(): number {
    return this.#others_bytes + this.#writer.written_bytes;
  }

  /** Files have gone: what is here is counted again. */
  recount(): void {
    const sizes = listChains(this.options.folder).flatMap(listSegments);
    this.#others_bytes =
      sizes.reduce((sum, { size_bytes }) => sum + size_bytes, 0) - this.#writer.written_bytes;
  }

  /** Why nothing is taken any more; null: it is. */
  failure(): string | null {
    return this.#failure === null ? null : describeError(this.#failure);
  }

  /** Writes what waits, and lets go of the files. */
  async stop(): Promise<void> {
    if (this.#stopped) return;
    await this.#retiring;
    this.#stopped = true;
    await this.#queue.idle();
    await this.#writer.close();
    this.#mark.close();
    closeSync(this.#lock);
  }

  async #add(entries: readonly NewRecord[], reserve: boolean): Promise<Head> {
    if (this.#stopped) throw new BulkheadError('EVIDENCE_FAILED', 'the log is closed');
    return await this.#queue.add(entries, reserve);
  }

  async #write(wishes: readonly Wish[]): Promise<void> {
    const admitted = this.#admit(wishes);
    try {
      if (this.#failure !== null) throw this.#failure;
      if (admitted.length > 0) await this.#writer.append(admitted.flatMap(({ records }) => records));
    } catch (error) {
      if (error instanceof BulkheadError && HARMLESS.includes(error.code))
        this.options.warn(describeError(error));
      else if (this.#failure === null) {
        this.#failure = error;
        this.options.warn(`no evidence is taken any more: ${describeError(error)}`);
        this.options.onFailure?.();
      }
      for (const { failed } of admitted) failed(error);
      return;
    }
    const { chain, head } = this.#writer.state;
    this.#mark.set({ chain, ...head });
    const isNews = admitted.some(({ records }) =>
      records.some(({ kind }) => kind !== 'checkpoint.countersigned'),
    );
    if (isNews) this.#news_seq = head.seq;
    this.#retireWithSegment();
    let left = admitted.reduce((sum, { records }) => sum + records.length, 0);
    for (const { records, done } of admitted) {
      left -= records.length;
      const seq = head.seq - left;
      done({ seq, hash: this.#writer.state.hashOf(seq) ?? head.hash });
    }
  }

  #retireWithSegment(): void {
    const { number } = this.#writer.segment;
    if (number === this.#segment_seen || this.#retiring !== null) return;
    this.#segment_seen = number;
    this.#retiring = this.custody
      .retire()
      .catch((error) => this.options.warn(`no segment was retired: ${describeError(error)}`))
      .finally(() => {
        this.#retiring = null;
      });
  }

  /** Those for whom there is room; the others are told that there is none. */
  #admit(wishes: readonly Wish[]): Wish[] {
    const { max_bytes = EVIDENCE_MAX_BYTES, reserve_bytes = EVIDENCE_RESERVE_BYTES } = this.options;
    let size_bytes = this.size_bytes();
    return wishes.filter((wish) => {
      const bound_bytes = wish.reserve ? max_bytes : max_bytes - reserve_bytes;
      if (size_bytes + wish.size_bytes <= bound_bytes) {
        size_bytes += wish.size_bytes;
        return true;
      }
      wish.failed(
        new BulkheadError('EVIDENCE_FULL', `the evidence has ${size_bytes} of ${bound_bytes} bytes`, {
          hint: "see 'bulkhead evidence status': export segments, or let the coordinator take them",
        }),
      );
      return false;
    });
  }
}
