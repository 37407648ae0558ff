import type { BootState } from '../partitions/boot-state.ts';
import type { Slot } from '../partitions/slot.ts';
import { CONSOLE_TAIL_LINES } from './limits.ts';
import type { Outcome, PastUpdate, PendingUpdate } from './state/records.ts';

/** A boot of the release that was tried. */
export interface TrialBoot {
  /** Counted by the loader; null when the log lost it. */
  attempt: number | null;
  /** How it ended, to go on after "attempt 1": `ended in a panic`. */
  ending: string;
  /** What its kernel logged, oldest line first. */
  lines: readonly string[];
}

/** What is known after a boot about the update that was on its way. */
export interface TrialFacts {
  pending: PendingUpdate;
  running: { slot: Slot; version: string; root_hash: string };
  bootState: BootState;
  /** Of the health gate, oldest first. */
  verdicts: readonly {
    at: string;
    slot: Slot | null;
    version: string;
    outcome: 'healthy' | 'unhealthy';
    reason: string;
  }[];
  /** Boots of the trial whose log was kept, oldest first. A boot that lost its power leaves none. */
  boots: readonly TrialBoot[];
  now: Date;
}

/**
 * `waiting`: not decided yet. `arm`: everything was written, but the power was cut before the slot was put on trial.
 * `ended`: the history entry, and whether the release that was left must not be tried again.
 */
export type Conclusion =
  | { kind: 'waiting' }
  | { kind: 'arm' }
  | { kind: 'ended'; entry: PastUpdate; rejected: { version: string; root_hash: string } | null };

/** Tells from the boot state what became of an update. Pure: the boot state decides, never what somebody wished. */
export function concludeUpdate(facts: TrialFacts): Conclusion {
  const { pending, running, bootState } = facts;
  if (bootState.trial === pending.slot) return { kind: 'waiting' };
  if (bootState.active === pending.slot && running.slot === pending.slot) {
    const { version, root_hash } = pending.from;
    // What an operator went back from is not installed again by itself either.
    return pending.rollback
      ? ended(facts, 'succeeded', 'an operator wanted the slot before', { version, root_hash })
      : ended(facts, 'succeeded', 'the health gate committed it', null);
  }
  if (bootState.failed === pending.slot) {
    const reason = reasonOfFailure(facts);
    const { version, root_hash } = pending;
    // A slot that was good once is no bad release: it stays installable.
    return ended(facts, 'rolled_back', reason, pending.rollback ? null : { version, root_hash });
  }
  return bootState.active === running.slot ? { kind: 'arm' } : { kind: 'waiting' };
}

function ended(
  { pending, now, boots }: TrialFacts,
  outcome: Outcome,
  reason: string,
  rejected: { version: string; root_hash: string } | null,
): Conclusion {
  const entry: PastUpdate = {
    at: now.toISOString(),
    outcome,
    version: pending.version,
    from_version: pending.from.version,
    slot: pending.slot,
    root_hash: pending.root_hash,
    method: pending.method,
    fetched_bytes: pending.fetched_bytes,
    reason,
    // Three attempts mostly say the same: the last one is the one to read, and `bulkhead boot-log` has them all.
    console_tail: outcome === 'succeeded' ? [] : (boots.at(-1)?.lines.slice(-CONSOLE_TAIL_LINES) ?? []),
  };
  return { kind: 'ended', entry, rejected };
}

/** The gate's last word on the trial; where it never spoke, that is the reason. */
function reasonOfFailure({ pending, running, bootState, verdicts, boots }: TrialFacts): string {
  // It runs, given up and with nothing counted: outside of the rescue ring only an operator leaves that behind.
  if (running.slot === pending.slot && bootState.attempts === 0) return 'an operator went back from it';
  const bad = verdicts.findLast(
    ({ at, slot, version, outcome }) =>
      slot === pending.slot &&
      version === pending.version &&
      outcome === 'unhealthy' &&
      at >= pending.written_at,
  );
  if (bad) return `the health gate refused it: ${bad.reason}`;
  const ends = boots.map(({ attempt, ending }) => `attempt ${attempt ?? '?'} ${ending}`);
  const what = ends.length > 0 ? ends.join(', ') : 'it panicked, hung, or was damaged';
  return `no boot of it reached the health gate: ${what}`;
}
