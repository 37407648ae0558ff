import { formatBytes } from '../../base/text.ts';
import { readHistory } from '../../updater/state/history.ts';
import type {
  PastUpdate,
  PendingUpdate,
  RejectedReleases,
  UpdateProgress,
} from '../../updater/state/records.ts';
import {
  believeProgress,
  type ReportedUpdate,
  reportUpdate,
  type UpdateStatus,
  updateStatus,
} from '../../updater/update-status.ts';
import { inspectSlots } from '../slots/present.ts';
import type { UpdateTools } from './update-tools.ts';

/** The facts of `bulkhead update status`. */
export interface UpdateFacts extends Omit<UpdateStatus, 'state'> {
  state: ReportedUpdate['state'];
  /** Of the update that runs, or of the last one since the machine was started. */
  progress: UpdateProgress | null;
  onItsWay: PendingUpdate | null;
  /** Latest first. */
  history: PastUpdate[];
  rejected: RejectedReleases['releases'];
}

/** Entries of the history that are shown. */
const HISTORY_SHOWN = 5;

/** @throws BulkheadError SLOTS_NOT_AN_APPLIANCE, SLOTS_NOT_KNOWN_YET */
export async function inspectUpdate(
  tools: Pick<UpdateTools, 'slots' | 'progress' | 'pending' | 'rejected'> & { paths: { history: string } },
): Promise<UpdateFacts> {
  const slots = await inspectSlots(tools.slots);
  const status = updateStatus(slots);
  const written = known(tools.progress.read());
  const progress = written && believeProgress(written, tools.slots.now());
  const onItsWay = known(tools.pending.read());
  return {
    ...status,
    ...reportUpdate(status, { progress, pending: onItsWay, seenAt: slots.collectedAt }),
    progress,
    onItsWay,
    history: readHistory(tools.paths.history).slice(-HISTORY_SHOWN).reverse(),
    rejected: known(tools.rejected.read())?.releases ?? [],
  };
}

/** For people. */
export function updateText({ state, message, progress, history, rejected }: UpdateFacts): string {
  const lines = [`${state}: ${message}`];
  if (progress?.state === 'downloading') {
    const total = progress.fetch_total_bytes === null ? '' : ` of ${formatBytes(progress.fetch_total_bytes)}`;
    lines.push(`fetched: ${formatBytes(progress.fetched_bytes)}${total} since ${progress.started_at}`);
  }
  if (history.length > 0) lines.push('', 'updates that ended, latest first:');
  for (const { at, outcome, version, from_version, reason, console_tail } of history) {
    lines.push(`  ${at}  ${outcome.padEnd(11)}  ${from_version} -> ${version ?? '?'}  ${reason}`);
    if (console_tail.length > 0)
      lines.push(
        `${' '.repeat(4)}${console_tail.length} lines of its console: bulkhead update status --json`,
      );
  }
  if (rejected.length > 0) lines.push('', 'not tried again (bulkhead update forget allows them):');
  for (const { version, at, reason } of rejected) lines.push(`  ${version}  ${at}  ${reason}`);
  return lines.join('\n');
}

function known<T>(reading: { condition: 'ok'; value: T } | { condition: 'missing' | 'damaged' }): T | null {
  return reading.condition === 'ok' ? reading.value : null;
}
