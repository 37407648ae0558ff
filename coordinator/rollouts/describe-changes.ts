import type { Member } from './plan.ts';

/** What happened to members between two plans, counted: `3 succeeded`, `1 failed (rolled_back)`. */
export function describeChanges(
  before: ReadonlyMap<string, Member>,
  changed: ReadonlyMap<string, Member | null>,
): string[] {
  const counts = new Map<string, number>();
  for (const [id, member] of changed) {
    for (const words of changesOf(before.get(id), member)) counts.set(words, (counts.get(words) ?? 0) + 1);
  }
  return [...counts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([words, count]) => `${count} ${words}`);
}

/** A newcomer may have come further in the same plan. */
function changesOf(before: Member | undefined, after: Member | null): string[] {
  if (before !== undefined || after === null) return [changeOf(before, after)];
  return ['joined the cohort', ...(after.state === 'pool' ? [] : [changeOf(before, after)])];
}

function changeOf(before: Member | undefined, after: Member | null): string {
  switch (after?.state) {
    case undefined:
      return 'left the cohort';
    case 'pool':
      if (before?.state === 'ordered') return 'never fetched the order';
      return before?.state === 'pool' ? 'may try again' : 'gave the place up';
    case 'seated':
      if (before?.state === 'ordered') {
        return after.step?.to === before.order.to ? 'reached a step on the way' : 'had the order taken back';
      }
      return before?.state === 'failed' ? 'to be tried again' : `took a place in stage ${after.stage + 1}`;
    case 'ordered':
      return 'ordered to update';
    case 'succeeded':
      return before?.state === 'ordered' || before?.state === 'failed' ? 'succeeded' : 'still to go back';
    case 'failed':
      return `failed (${after.code})`;
    case 'left_behind':
      return 'left behind';
    case 'reverting':
      return 'ordered to go back';
    case 'reverted':
      return 'went back';
    case 'revert_failed':
      return `could not go back (${after.code})`;
  }
}
