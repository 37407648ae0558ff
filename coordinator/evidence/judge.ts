import type { Checkpoint } from '../../protocol/evidence/statements.ts';

/** What is known of a chain when a checkpoint of it comes. */
export interface KnownChain {
  /** The last record that was countersigned; null: none. */
  last: { seq: number; hash: string } | null;
  /** Hash that was countersigned for a record; undefined: none was, or it is kept no more. */
  hashOf: (seq: number) => string | undefined;
  /** Why it is not trusted; null: it is. */
  trouble: string | null;
}

/** The chain of the same appliance that was written to before, as far as it was countersigned. */
export interface EarlierChain {
  chain: string;
  seq: number;
  hash: string;
}

/** new: countersign it; again: it has been; contradiction: one of the two is a fork. */
export type CheckpointVerdict = { take: 'new' | 'again' } | { take: 'contradiction'; why: string };

/** Whether a checkpoint contradicts what was countersigned before. Pure. @param earlier null: it is the only chain */
export function judgeCheckpoint(
  { seq, hash, previous, succeeds }: Checkpoint,
  known: KnownChain,
  earlier: EarlierChain | null,
): CheckpointVerdict {
  const contradiction = (why: string): CheckpointVerdict => ({ take: 'contradiction', why });
  const same = known.hashOf(seq);
  if (same !== undefined && same !== hash)
    return contradiction(
      `there are two records ${seq}: ${short(same)} was countersigned, ${short(hash)} has come`,
    );
  if (known.trouble !== null) return contradiction(known.trouble);
  if (same !== undefined) return { take: 'again' };
  if (known.last !== null && seq < known.last.seq)
    return contradiction(`it has gone back to record ${seq}, and ${known.last.seq} was countersigned`);
  const before = previous === null ? undefined : known.hashOf(previous.seq);
  if (previous !== null && before !== undefined && before !== previous.hash)
    return contradiction(
      `there are two records ${previous.seq}: ${short(before)} was countersigned, ${short(previous.hash)} is named`,
    );
  if (known.last === null && earlier !== null) {
    const { chain } = earlier;
    if (succeeds?.chain !== chain)
      return contradiction(`it began without a word of the chain ${short(chain)} before it`);
    if (succeeds.seq < earlier.seq || (succeeds.seq === earlier.seq && succeeds.hash !== earlier.hash))
      return contradiction(
        `it says that the chain ${short(chain)} ended with record ${succeeds.seq}, and ${earlier.seq} was countersigned`,
      );
  }
  return { take: 'new' };
}

function short(hash: string): string {
  return `${hash.slice(0, 12)}…`;
}
