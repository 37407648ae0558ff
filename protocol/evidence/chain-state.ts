import { createHash, type Hash } from 'node:crypto';
import type { EndorsedKey } from './endorsed-key.ts';
import { CHECKPOINT_DISTANCE_MAX } from './limits.ts';
import type { SegmentFacts } from './statements.ts';

/** What is known of a chain at one place of it. */
export interface ChainSummary {
  chain: string;
  /** Of the evidence key, and of the device whose key endorses it. */
  key_id: string;
  device: string;
  first_seq: number;
  last_seq: number;
  last_hash: string;
  /** The last record that the coordinator has countersigned, and when. */
  countersigned: { seq: number; at: string } | null;
}

/** One chain while it is read. Memory does not grow with its length. */
export class ChainState {
  readonly chain: string;
  readonly key: EndorsedKey;
  readonly first: { seq: number; prev: string };
  head: { seq: number; hash: string };
  countersigned: ChainSummary['countersigned'] = null;
  /** Hashes of the last records, each at its number. */
  readonly #hashes: string[] = [];
  #segment: { number: number; first_seq: number; sha256: Hash; size_bytes: number } | null = null;

  /** @param first the first record that is here */
  constructor({ chain, seq, prev }: { chain: string; seq: number; prev: string }, key: EndorsedKey) {
    this.chain = chain;
    this.key = key;
    this.first = { seq, prev };
    this.head = { seq: seq - 1, hash: prev };
  }

  /** The next record. @param line without its line break */
  take(hash: string, line: Uint8Array): void {
    const seq = this.head.seq + 1;
    this.head = { seq, hash };
    this.#hashes[seq % CHECKPOINT_DISTANCE_MAX] = hash;
    this.#segment?.sha256.update(line).update('\n');
    if (this.#segment) this.#segment.size_bytes += line.length + 1;
  }

  /** Hash of a record; undefined when it is not here, or too far back. */
  hashOf(seq: number): string | undefined {
    const inReach =
      seq >= this.first.seq && seq <= this.head.seq && seq > this.head.seq - CHECKPOINT_DISTANCE_MAX;
    return inReach ? this.#hashes[seq % CHECKPOINT_DISTANCE_MAX] : undefined;
  }

  /** From the next record on. @returns takes it back: there was no next record */
  beginSegment(number: number): () => void {
    const before = this.#segment;
    const first_seq = this.head.seq + 1;
    this.#segment = { number, first_seq, sha256: createHash('sha256'), size_bytes: 0 };
    return () => {
      this.#segment = before;
    };
  }

  /** The segment as it was read until here; null when its beginning was not. */
  segment(): SegmentFacts | null {
    if (this.#segment === null) return null;
    const { number: segment, first_seq, sha256, size_bytes } = this.#segment;
    const { seq: last_seq, hash: last_hash } = this.head;
    return {
      ...{ first_seq, last_hash, last_seq, records: last_seq - first_seq + 1, segment },
      ...{ sha256: sha256.copy().digest('hex'), size_bytes },
    };
  }

  summary(): ChainSummary {
    const { chain, key, first, head, countersigned } = this;
    return {
      ...{ chain, key_id: key.key_id, device: key.device, first_seq: first.seq },
      ...{ last_seq: head.seq, last_hash: head.hash, countersigned },
    };
  }
}
