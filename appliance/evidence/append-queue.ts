import { Type as t } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { BulkheadError } from '../../base/errors.ts';
import { canonicalJson } from '../../protocol/evidence/canonical.ts';
import { BODY_DEPTH_MAX } from '../../protocol/evidence/limits.ts';
import { ChainWriter, type NewRecord } from './chain-writer.ts';
import type { EvidenceEntry } from './entry.ts';
import { BATCH_MAX_BYTES, ENTRIES_MAX, ENTRY_MAX_BYTES, WAITING_MAX } from './limits.ts';

/** Where the last of some records stands. */
export interface Head {
  seq: number;
  hash: string;
}

/** What one caller wants on record. */
export interface Wish {
  records: readonly NewRecord[];
  size_bytes: number;
  /** It makes room again, and may use what is kept for that. */
  reserve: boolean;
  done: (head: Head) => void;
  failed: (error: unknown) => void;
}

const Body = t.Object({});

/** Callers that wait, in their order. One flush to the disk is for all of them together. */
export class AppendQueue {
  #waiting: Wish[] = [];
  #working: Promise<void> | null = null;
  readonly #write: (wishes: readonly Wish[]) => Promise<void>;

  /** @param write settles every wish; does not reject */
  constructor(write: (wishes: readonly Wish[]) => Promise<void>) {
    this.#write = write;
  }

  async add(entries: readonly NewRecord[], reserve: boolean): Promise<Head> {
    const records = entries.map(admitEntry);
    if (records.length === 0 || records.length > ENTRIES_MAX)
      throw invalid(`${records.length} entries at once; from 1 to ${ENTRIES_MAX}`);
    if (this.#waiting.length >= WAITING_MAX && !reserve)
      throw new BulkheadError('EVIDENCE_BUSY', `${WAITING_MAX} callers wait for the disk`, {
        hint: 'later again',
      });
    return await new Promise<Head>((done, failed) => {
      const size_bytes = ChainWriter.sizeOf(records);
      this.#waiting.push({ records, size_bytes, reserve, done, failed });
      this.#working ??= this.#work();
    });
  }

  /** Resolves when nothing waits. */
  async idle(): Promise<void> {
    await this.#working;
  }

  async #work(): Promise<void> {
    // Whoever calls in the same turn of the loop comes along.
    await Promise.resolve();
    while (this.#waiting.length > 0) await this.#write(this.#nextBatch());
    this.#working = null;
  }

  #nextBatch(): Wish[] {
    let size_bytes = 0;
    let count = 0;
    for (const wish of this.#waiting) {
      size_bytes += wish.size_bytes;
      if (count > 0 && size_bytes > BATCH_MAX_BYTES) break;
      count += 1;
    }
    return this.#waiting.splice(0, count);
  }
}

/** A copy that nobody changes any more, and that can be written. */
function admitEntry({ kind, body }: EvidenceEntry | NewRecord): NewRecord {
  let text: string;
  try {
    text = canonicalJson(body, 1);
  } catch (cause) {
    throw invalid(`the body of an entry (${kind}) cannot be written; at most ${BODY_DEPTH_MAX} deep`, cause);
  }
  const size_bytes = Buffer.byteLength(text);
  if (size_bytes > ENTRY_MAX_BYTES)
    throw invalid(`the body of an entry (${kind}) has ${size_bytes} bytes; at most ${ENTRY_MAX_BYTES}`);
  const copy: unknown = JSON.parse(text);
  if (!Value.Check(Body, copy)) throw invalid(`the body of an entry (${kind}) is no object`);
  return { kind, body: copy as NewRecord['body'] };
}

function invalid(why: string, cause?: unknown): BulkheadError {
  return new BulkheadError('EVIDENCE_ENTRY_INVALID', why, cause === undefined ? {} : { cause });
}
