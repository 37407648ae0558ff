import type { TSchema } from '@sinclair/typebox';
import type { MachineFacts } from '../../health-gate/machine-facts.ts';
import { shareTails } from '../../status-page/console-tail.ts';
import type { PastUpdateStatus, UpdateSection } from '../../status-page/update-section.ts';
import { jsonFile } from '../../updater/state/json-file.ts';
import {
  type PastUpdate,
  PendingUpdate,
  RejectedReleases,
  UpdateProgress,
} from '../../updater/state/records.ts';
import { believeProgress, reportUpdate, updateStatus } from '../../updater/update-status.ts';
import type { FactPaths } from './fact-context.ts';
import { instantOrNull } from './instant.ts';
import { CONSOLE_TAILS_MAX_BYTES, UPDATES_SHOWN } from './limits.ts';
import type { HistoryReading } from './update-history.ts';

/** What the updater wrote down, as far as it can be read. */
export interface UpdateFiles {
  progress: UpdateProgress | null;
  pending: PendingUpdate | null;
  rejected: RejectedReleases['releases'];
}

/** A file that is damaged is not known, and warned of: the updater itself says what to do about it. */
export function readUpdateFiles(paths: FactPaths, now: Date, warn: (message: string) => void): UpdateFiles {
  const read = <S extends TSchema>(path: string, schema: S, what: string) => {
    const reading = jsonFile(path, schema, what).read();
    if (reading.condition === 'damaged') warn(`${what} in ${path} is damaged: ${reading.message}`);
    return reading.condition === 'ok' ? reading.value : null;
  };
  const progress = read(paths.updateProgressFile, UpdateProgress, 'the progress of the update');
  return {
    progress: progress && believeProgress(progress, now),
    pending: read(paths.pendingUpdateFile, PendingUpdate, 'the pending update'),
    rejected:
      read(paths.rejectedReleasesFile, RejectedReleases, 'the list of rejected releases')?.releases ?? [],
  };
}

/**
 * The part of the status about updates. State and sentence are decided where `bulkhead update status` has them decided.
 *
 * @param machine what the health gate saw as root; null: nothing yet
 */
export function describeUpdate(
  machine: MachineFacts | null,
  { progress, pending, rejected }: UpdateFiles,
  history: HistoryReading,
): UpdateSection {
  return {
    ...standOf(machine, progress, pending),
    progress: progress && describeProgress(progress),
    onItsWay: pending && describePending(pending),
    history: describeHistory(history.latest),
    ended: history.ended,
    rejected: rejected.slice(-UPDATES_SHOWN).reverse().flatMap(describeRejected),
  };
}

function standOf(
  machine: MachineFacts | null,
  progress: UpdateProgress | null,
  pending: PendingUpdate | null,
): Pick<UpdateSection, 'state' | 'message'> {
  if (machine?.mode === 'live')
    return { state: null, message: 'this is the installation medium; it has no slots' };
  if (machine !== null)
    return reportUpdate(updateStatus(machine), { progress, pending, seenAt: machine.collectedAt });
  // What the updater says of itself is known without the slots.
  if (progress?.state === 'downloading' || progress?.state === 'failed')
    return { state: progress.state, message: progress.message };
  return { state: null, message: 'the health gate has not looked at the slots yet' };
}

function describeProgress(progress: UpdateProgress): UpdateSection['progress'] {
  const { version, slot, method, phase, code } = progress;
  const { done_bytes, total_bytes, fetched_bytes, fetch_total_bytes } = progress;
  const startedAt = instantOrNull(progress.started_at);
  const updatedAt = instantOrNull(progress.updated_at);
  if (startedAt === null || updatedAt === null) return null;
  const bytes = { done_bytes, total_bytes, fetched_bytes, fetch_total_bytes };
  return { version, slot, method, phase, ...bytes, startedAt, updatedAt, code };
}

function describePending(pending: PendingUpdate): UpdateSection['onItsWay'] {
  const { version, slot, method, reboot } = pending;
  const writtenAt = instantOrNull(pending.written_at);
  return writtenAt === null ? null : { version, slot, method, writtenAt, reboot };
}

function describeHistory(latest: readonly PastUpdate[]): PastUpdateStatus[] {
  const tails = shareTails(
    latest.map((entry) => entry.console_tail),
    CONSOLE_TAILS_MAX_BYTES,
    (line) => Buffer.byteLength(JSON.stringify(line)) + 1,
  );
  return latest.flatMap((entry, index) => {
    const { outcome, version, from_version, slot, method, fetched_bytes, reason } = entry;
    const at = instantOrNull(entry.at);
    if (at === null) return [];
    const consoleTail = tails[index] ?? [];
    return {
      at,
      outcome,
      version,
      fromVersion: from_version,
      slot,
      method,
      fetched_bytes,
      reason,
      consoleTail,
    };
  });
}

function describeRejected({
  version,
  at: text,
  reason,
}: RejectedReleases['releases'][number]): UpdateSection['rejected'] {
  const at = instantOrNull(text);
  return at === null ? [] : [{ version, at, reason }];
}
