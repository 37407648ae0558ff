import { SECTOR_BYTES } from '../../../partitions/slot-blob.ts';
import type { Phase } from './phases.ts';
import type { Prefix } from './power-judge.ts';

/** A moment at which the power goes, and what the disk makes of it. */
export interface Cut {
  name: string;
  /** Last entry of the log that was under way. */
  number: number;
  /** `lost`: nothing stays that was not flushed; `last-alone`: of that only the last write; `torn`: half of the last write. */
  disk: 'kept' | 'lost' | 'last-alone' | 'torn';
}

/** Steps that are one small write, where the moment behind it is as telling as the one in front. */
const BOTH_SIDES = [
  'slot no longer good',
  'header cleared',
  'slot complete',
  'pending record',
  'armed',
  'trial counted',
  'committed',
];
const TORN = ['header cleared', 'half of the data', 'tree and footer', 'slot complete', 'pending record'];
const LAST_ALONE = ['half of the data', 'tree and footer'];
const ALL_LOST = ['half of the data', 'armed', 'trial counted', 'committed'];

/**
 * Cuts to be booted: at every boundary between phases, on both sides where something is decided, and where a disk may do worse than
 * keep everything.
 *
 * @param phases as phasesOf finds them
 * @returns in the order of their numbers
 */
export function chooseCuts(phases: readonly Phase[], prefixes: readonly Prefix[]): Cut[] {
  const cuts: Cut[] = [];
  const add = (name: string, number: number, disk: Cut['disk'] = 'kept') => {
    const known = cuts.some((cut) => cut.disk === disk && sameDisk(cut.number, number, prefixes));
    if (number >= 0 && number < prefixes.length && !known) cuts.push({ name, number, disk });
  };
  for (const { name, first } of phases.slice(1)) {
    const prefix = prefixes[first];
    if (!prefix) continue;
    add(`before: ${name}`, first - 1);
    if (BOTH_SIDES.includes(name)) add(name, first);
    if (TORN.includes(name) && prefix.entry.size_bytes > SECTOR_BYTES) add(`${name}, torn`, first, 'torn');
    if (LAST_ALONE.includes(name)) add(`${name}, the rest lost`, first, 'last-alone');
    if (ALL_LOST.includes(name)) add(`after: ${name}, all lost`, lastUnflushed(first, prefixes), 'lost');
  }
  add('the end', prefixes.length - 1);
  return cuts.sort((one, other) => one.number - other.number);
}

/** Writes that were not flushed when this entry was made, itself included. */
export function pendingAt({ number, flush }: Prefix, prefixes: readonly Prefix[]): Prefix[] {
  return prefixes.slice(Math.max(0, flush), number + 1).filter(({ entry }) => entry.size_bytes > 0);
}

function lastUnflushed(from: number, prefixes: readonly Prefix[]): number {
  const flush = prefixes.findIndex(({ number, entry }) => number > from && entry.flushesBefore);
  return flush < 0 ? from : flush - 1;
}

/** Nothing was written between the two. */
function sameDisk(one: number, other: number, prefixes: readonly Prefix[]): boolean {
  const [from, to] = one < other ? [one, other] : [other, one];
  return prefixes.slice(from + 1, to + 1).every(({ entry }) => entry.size_bytes === 0);
}
