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
  /** The kernel's id of this boot. */
  bootId: string;
  /** Of the health gate, oldest first. */
  verdicts: readonly {
    bootId: string;
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
 * `ended`: the history entry, whether the release that was left must not be tried again, and whether the slot is still
 * armed and must not be.
 */
export type Conclusion =
  | { kind: 'waiting' }
  | { kind: 'arm' }
  | {
      kind: 'ended';
      entry: PastUpdate;
      rejected: { version: string; root_hash: string } | null;
      disarm: boolean;
    };

/** Tells from the boot state what became of an update. Pure: the boot state decides, never what somebody wished. */
export function concludeUpdate(facts: TrialFacts): Conclusion {
  const { pending, running, bootState } = facts;
  const { version, root_hash, from } = pending;
  const tried = running.slot === pending.slot;
  if (bootState.trial === pending.slot) return tried ? { kind: 'waiting' } : concludeArmed(facts);
  if (bootState.active === pending.slot && tried) {
    // What an operator went back from is not installed again by itself either.
    return pending.rollback
      ? ended(facts, 'succeeded', 'an operator wanted the slot before', from)
      : ended(facts, 'succeeded', 'the health gate committed it', null);
  }
  if (bootState.failed === pending.slot) {
    // A slot that was good once is no bad release: it stays installable.
    return ended(
      facts,
      'rolled_back',
      reasonOfFailure(facts),
      pending.rollback ? null : { version, root_hash },
    );
  }
  if (bootState.active !== running.slot) return { kind: 'waiting' };
  return pending.withdrawn ? cancelled(facts) : { kind: 'arm' };
}

/** The slot is on trial from the next boot on, and this boot is none of that trial. */
function concludeArmed(facts: TrialFacts): Conclusion {
  const { pending, running, bootState, bootId } = facts;
  if (pending.withdrawn) return cancelled(facts);
  const committed = bootState.active === running.slot && bootState.good[running.slot];
  const bootedSince = pending.boot_id !== undefined && pending.boot_id !== bootId;
  if (!committed || !bootedSince) return { kind: 'waiting' };
  // A loader that cannot count starts no trial, and would start none for ever.
  return ended(
    facts,
    'failed',
    `the boot loader started slot ${running.slot} instead, for it could not save the count of attempts: the disk or the ESP is damaged`,
    null,
  );
}

function cancelled(facts: TrialFacts): Conclusion {
  return ended(facts, 'cancelled', 'an operator took it back before it was tried', null);
}

function ended(
  { pending, now, boots, bootState }: TrialFacts,
  outcome: Outcome,
  reason: string,
  left: { version: string; root_hash: string } | null,
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
    console_tail: outcome === 'rolled_back' ? (boots.at(-1)?.lines.slice(-CONSOLE_TAIL_LINES) ?? []) : [],
    ...(pending.order === undefined ? {} : { order: pending.order }),
  };
  const rejected = left && { version: left.version, root_hash: left.root_hash };
  return { kind: 'ended', entry, rejected, disarm: bootState.trial === pending.slot };
}

/** The gate's last word on the trial; where it never spoke, that is the reason. */
function reasonOfFailure({ pending, running, bootState, verdicts, boots }: TrialFacts): string {
  // It runs, given up and with nothing counted: outside of the rescue ring only an operator leaves that behind.
  const left = running.slot === pending.slot && bootState.attempts === 0;
  if (pending.withdrawn || left) return 'an operator went back from it';
  const bad = sinceBoot(verdicts, pending.boot_id).findLast(
    ({ slot, version, outcome }) =>
      slot === pending.slot && version === pending.version && outcome === 'unhealthy',
  );
  if (bad) return `the health gate refused it: ${bad.reason}`;
  const ends = boots.map(({ attempt, ending }) => `attempt ${attempt ?? '?'} ${ending}`);
  const what = ends.length > 0 ? ends.join(', ') : 'it panicked, hung, or was damaged';
  return `no boot of it reached the health gate: ${what}`;
}

/**
 * What came after a boot, in a list that only grows at its end; everything where that boot left nothing in it. Not told by
 * time: the clock of a trial may be years behind.
 */
export function sinceBoot<Entry extends { bootId: string | null }>(
  entries: readonly Entry[],
  bootId: string | undefined,
): readonly Entry[] {
  if (bootId === undefined) return entries;
  return entries.slice(entries.findLastIndex((entry) => entry.bootId === bootId) + 1);
}
