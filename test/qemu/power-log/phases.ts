import { otherSlot, type Slot } from '../../../partitions/slot.ts';
import { BLOCK_BYTES } from '../../../partitions/slot-blob.ts';
import type { DataCheck } from './data-checks.ts';
import type { DataFacts } from './data-facts.ts';
import type { KnownRelease } from './known-release.ts';
import type { Prefix } from './power-judge.ts';

/** A step of an update, from the entry of the log with which it becomes true. */
export interface Phase {
  name: string;
  first: number;
}

/** The update that a log is about. */
export interface LoggedUpdate {
  prefixes: readonly Prefix[];
  /** By number; the first is the disk before the log. */
  checks: readonly DataCheck[];
  target: Slot;
  /** In the order of the prefixes' `written_bytes`. */
  releases: readonly KnownRelease[];
  /** Name of the release that is installed. */
  release: string;
}

/** Looks at the state after an entry; data facts are those of the last state that was read. */
type Sign = (prefix: Prefix, data: DataFacts, base: DataFacts) => boolean;

/**
 * The phases in the order in which they have to come, each found by what it leaves on the disk. A phase that never comes is
 * left out, and so is everything that would have to come after it.
 */
export function phasesOf(update: LoggedUpdate): Phase[] {
  const { prefixes, checks } = update;
  const base = checks[0]?.facts;
  if (!base) return [];
  const factsAt = new Map(
    checks.filter(({ lost }) => lost === '').map(({ number, facts }) => [number, facts]),
  );
  const signs = signsOf(update);
  const phases: Phase[] = [{ name: 'before the update', first: 0 }];
  let data = base;
  for (const prefix of prefixes) {
    data = factsAt.get(prefix.number) ?? data;
    // Several may become true at once: with an empty step between them.
    for (let next = signs[phases.length - 1]; next?.sign(prefix, data, base); next = signs[phases.length - 1])
      phases.push({ name: next.name, first: prefix.number });
  }
  return phases;
}

function signsOf({ target, releases, release }: LoggedUpdate): { name: string; sign: Sign }[] {
  const index = releases.findIndex(({ name }) => name === release);
  const { data_bytes = 0, blob_bytes = 0 } = releases[index] ?? {};
  const written = (prefix: Prefix) => prefix.written_bytes[target][index] ?? 0;
  const running = otherSlot(target);
  const inTarget = (prefix: Prefix) => prefix.place === (target === 'A' ? 'slot-a' : 'slot-b');
  return [
    { name: 'slot no longer good', sign: ({ state }) => state?.good[target] === false },
    { name: 'header cleared', sign: (prefix) => inTarget(prefix) && !prefix.slots[target].whole },
    { name: 'first data', sign: (prefix) => inTarget(prefix) && prefix.entry.size_bytes > BLOCK_BYTES },
    { name: 'first checkpoint', sign: (_, { transfer }) => (transfer?.checkpoints.length ?? 0) > 0 },
    { name: 'half of the data', sign: (prefix) => written(prefix) >= data_bytes / 2 },
    { name: 'all data', sign: (prefix) => written(prefix) >= data_bytes },
    { name: 'tree and footer', sign: (prefix) => written(prefix) >= blob_bytes },
    { name: 'slot complete', sign: ({ slots }) => slots[target].complete === release },
    { name: 'transfer journal gone', sign: (_, { transferFile }) => transferFile === 'missing' },
    { name: 'pending record', sign: (_, { pending }) => pending?.slot === target },
    { name: 'armed', sign: ({ state }) => state?.trial === target },
    { name: 'trial counted', sign: ({ state }) => state?.trial === target && state.attempts > 0 },
    {
      name: 'verdict recorded',
      sign: (_, { verdicts }, base) =>
        verdicts.slice(base.verdicts.length).some(({ slot }) => slot === target),
    },
    { name: 'committed', sign: ({ state }) => state?.active === target && state.good[running] },
    { name: 'history written', sign: (_, { history }, base) => history.length > base.history.length },
    { name: 'pending record gone', sign: (_, { pending }) => pending === undefined },
  ];
}

/** Sums over the entries of each phase. */
export function countByPhase(phases: readonly Phase[], prefixes: readonly Prefix[]) {
  return phases.map(({ name, first }, at) => {
    const end = phases[at + 1]?.first ?? Number.POSITIVE_INFINITY;
    const of = prefixes.filter(({ number }) => number >= first && number < end);
    const sum = (pick: (prefix: Prefix) => number) => of.reduce((total, prefix) => total + pick(prefix), 0);
    return {
      name,
      first,
      prefixes: of.length,
      torn: sum(({ torn }) => torn),
      subsets: sum(({ subsets }) => subsets),
    };
  });
}
