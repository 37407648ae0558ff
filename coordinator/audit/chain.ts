import { createHash } from 'node:crypto';

/** One thing that somebody did, as it is exported: a line of JSON. */
export interface AuditEntry {
  /** From 1, without gaps. */
  sequence: number;
  at_ms: number;
  /** `user:ada`, `token:ci`, `device:…`, `coordinator`. */
  actor: string;
  /** `device.approve`, `order.create`: a fixed name. */
  action: string;
  /** What it was done to: `device:…`, `order:…`. */
  subject: string;
  details: Readonly<Record<string, unknown>>;
  /** Hash of the entry before; 64 zeros for the first. */
  previous_hash: string;
  hash: string;
}

const FIRST_PREVIOUS_HASH = '0'.repeat(64);

/** SHA-256 over everything of an entry but the hash itself, written in one form. */
export function entryHash(entry: Omit<AuditEntry, 'hash'>): string {
  const { sequence, at_ms, actor, action, subject, details, previous_hash } = entry;
  const text = JSON.stringify([
    sequence,
    at_ms,
    actor,
    action,
    subject,
    JSON.stringify(details),
    previous_hash,
  ]);
  return createHash('sha256').update(text).digest('hex');
}

export type ChainFault = 'gap' | 'fork' | 'edited' | 'not_the_first';

export interface ChainVerdict {
  intact: boolean;
  /** Entries that were read. */
  entries: number;
  /** Of the last good entry: whoever wrote it down earlier can tell that nothing was cut off the end. */
  head: { sequence: number; hash: string };
  fault: { sequence: number; kind: ChainFault } | null;
}

/**
 * Whether entries follow each other without gap, fork or edit, from the first on.
 *
 * A log that was cut off at its end is a whole log: compare `head` with one that was noted before.
 */
export async function verifyChain(
  entries: AsyncIterable<AuditEntry> | Iterable<AuditEntry>,
): Promise<ChainVerdict> {
  let head = { sequence: 0, hash: FIRST_PREVIOUS_HASH };
  for await (const entry of entries) {
    const kind = faultOf(entry, head);
    if (kind !== null)
      return { intact: false, entries: head.sequence, head, fault: { sequence: entry.sequence, kind } };
    head = { sequence: entry.sequence, hash: entry.hash };
  }
  return { intact: true, entries: head.sequence, head, fault: null };
}

function faultOf(entry: AuditEntry, head: { sequence: number; hash: string }): ChainFault | null {
  if (head.sequence === 0 && entry.sequence !== 1) return 'not_the_first';
  if (entry.sequence <= head.sequence) return 'fork';
  if (entry.sequence !== head.sequence + 1) return 'gap';
  if (entry.previous_hash !== head.hash) return 'fork';
  return entryHash(entry) === entry.hash ? null : 'edited';
}
