import type { BootState } from '../partitions/boot-state.ts';
import type { Slot } from '../partitions/slot.ts';
import { PROGRESS_SILENT_MS } from './limits.ts';
import type { PendingUpdate, UpdateProgress } from './state/records.ts';

/**
 * Where an update stands, in the words of the reported update states: told from the boot state and the slots alone,
 * so it says what will happen, not what somebody wished.
 */
export interface UpdateStatus {
  /**
   * `rebooting`: a slot is armed and waits for its first boot, or the one that runs was given up and waits to be left; `verifying`: a trial runs and is
   * not committed; `succeeded`: the running slot is committed; `rolled_back`: a slot was given up and the other one runs;
   * `failed`: the running slot is not the one the state says, or no state can be read.
   */
  state: 'rebooting' | 'verifying' | 'succeeded' | 'rolled_back' | 'failed';
  running: { slot: Slot | null; version: string | null };
  /** The slot that is armed or on trial. */
  pending: { slot: Slot; version: string | null } | null;
  /** The slot that was given up last. */
  givenUp: { slot: Slot; version: string | null } | null;
  message: string;
}

export interface UpdateFacts {
  slot: Slot | null;
  bootState: (Omit<BootState, 'attempts'> & { attempts: number }) | null;
  slots: readonly { slot: Slot; version: string | null }[];
}

/** Pure: the same facts give the same words. */
export function updateStatus({ slot, bootState, slots }: UpdateFacts): UpdateStatus {
  const versionOf = (wanted: Slot) => slots.find((entry) => entry.slot === wanted)?.version ?? null;
  const named = (wanted: Slot) => ({ slot: wanted, version: versionOf(wanted) });
  const running = { slot, version: slot === null ? null : versionOf(slot) };
  const status = (state: UpdateStatus['state'], message: string): UpdateStatus => ({
    state,
    running,
    pending: bootState?.trial ? named(bootState.trial) : null,
    givenUp: bootState?.failed ? named(bootState.failed) : null,
    message,
  });
  const words = (wanted: Slot) => `slot ${wanted} (${versionOf(wanted) ?? 'no version'})`;
  if (bootState === null) return status('failed', 'the boot state cannot be read; see `bulkhead slots`');
  if (slot === null) return status('failed', 'it is not known which slot runs; see `bulkhead slots`');
  const { active, trial, failed, attempts } = bootState;
  if (trial === slot) return status('verifying', `${words(slot)} is on trial, attempt ${attempts}`);
  if (trial !== null) return status('rebooting', `${words(trial)} is tried on the next boot`);
  if (slot !== active && failed === slot)
    return status('rebooting', `${words(slot)} was given up; the next boot takes ${words(active)}`);
  if (slot !== active)
    return status('failed', `${words(slot)} runs, but ${words(active)} is the committed one`);
  if (failed !== null) return status('rolled_back', `${words(failed)} was given up, ${words(slot)} runs`);
  return status('succeeded', `${words(slot)} runs and is committed; nothing is pending`);
}

/** What is written down about updates, beside the slots themselves. */
export interface UpdateRecords {
  /** Of the update that runs, or of the last one since power-on. */
  progress: Pick<UpdateProgress, 'state' | 'message' | 'updated_at'> | null;
  pending: Pick<PendingUpdate, 'version' | 'slot' | 'from' | 'reboot' | 'written_at'> | null;
  /** When slots and boot state were looked at, RFC 3339: those who are not root see them as the health gate last did. */
  seenAt: string;
}

/**
 * What a progress file says, unless whoever wrote it is gone: a process that is killed takes nothing back, and an update
 * that seems to run for ever is worse than one that failed. Pure.
 */
export function believeProgress(progress: UpdateProgress, now: Date): UpdateProgress {
  if (progress.state !== 'downloading') return progress;
  const silent_ms = Math.abs(now.getTime() - Date.parse(progress.updated_at));
  if (silent_ms <= PROGRESS_SILENT_MS) return progress;
  const release = progress.version ?? 'a release';
  const message = `installing ${release} was interrupted; asked for again, it goes on where it was`;
  return { ...progress, state: 'failed', code: 'UPDATE_INTERRUPTED', message };
}

/** One state and one sentence for an update: what the CLI prints and the status page shows. */
export interface ReportedUpdate {
  state: UpdateStatus['state'] | 'downloading' | 'ready';
  message: string;
}

/**
 * The one state that is reported. A transfer that runs or failed is said before what the slots look like meanwhile;
 * a slot that was armed after they were looked at is said although they do not show it yet. Pure.
 */
export function reportUpdate(
  status: Pick<UpdateStatus, 'state' | 'message' | 'running'>,
  { progress, pending, seenAt }: UpdateRecords,
): ReportedUpdate {
  const { state, message } = status;
  if (progress?.state === 'downloading') return { state: 'downloading', message: progress.message };
  // What was put on its way after a failure (a return to the slot before) is the newer word.
  if (progress?.state === 'failed' && !(pending && isLater(pending.written_at, progress.updated_at)))
    return { state: 'failed', message: progress.message };
  const waiting = pending?.reboot === 'now' ? 'rebooting' : 'ready';
  if (state === 'rebooting') return { state: waiting, message };
  const settled = state === 'succeeded' || state === 'rolled_back';
  if (settled && pending?.from.slot === status.running.slot && isLater(pending.written_at, seenAt)) {
    const { version, slot } = pending;
    return { state: waiting, message: `slot ${slot} (${version}) is tried on the next boot` };
  }
  return { state, message };
}

function isLater(one: string, other: string): boolean {
  return Date.parse(one) > Date.parse(other);
}
