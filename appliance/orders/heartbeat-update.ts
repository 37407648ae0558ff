import { Value } from '@sinclair/typebox/value';
import type { UpdateState } from '../../base/update-states.ts';
import type { MachineFacts } from '../../health-gate/machine-facts.ts';
import { Version } from '../../protocol/messages/parts.ts';
import type { Heartbeat } from '../../protocol/messages/reports.ts';
import { reportUpdate, updateStatus } from '../../updater/update-status.ts';
import { type BookEntry, orderName } from './entry.ts';
import type { UpdateRecords } from './sight.ts';

/**
 * Where an update stands, for the heartbeat: in the words of the status page and of `bulkhead update status`, and before that in those
 * of an order that waits. Pure.
 *
 * @param machine what the health gate saw as root; null: nothing yet
 * @param orders of the book, that have not ended
 * @returns undefined when there is no release to speak of
 */
export function heartbeatUpdate(
  machine: MachineFacts | null,
  records: UpdateRecords,
  orders: readonly BookEntry[],
): Heartbeat['update'] {
  const order = orders.findLast(
    ({ type, state }) => type === 'update' && (state === 'accepted' || state === 'started'),
  );
  const ordered = order === undefined ? null : String(order.parameters['version']);
  const told = (version: string | null | undefined, state: UpdateState): Heartbeat['update'] =>
    Value.Check(Version, version) ? { version, state } : undefined;
  const waits = order?.state === 'accepted';
  if (waits) return told(ordered, 'pending');
  const name = order && orderName(order);
  if (name !== undefined && (records.asked === name || (records.taken === name && records.progress === null)))
    return told(ordered, 'notified');
  const { progress, pending } = records;
  // What the updater says of itself is known without the slots.
  if (machine === null && progress !== null && progress.state !== 'ready')
    return told(progress.version ?? ordered, progress.state);
  if (machine === null || machine.mode === 'live') return undefined;
  const status = updateStatus(machine);
  const { state } = reportUpdate(status, { progress, pending, seenAt: machine.collectedAt });
  switch (state) {
    case 'downloading':
      return told(progress?.version ?? ordered, state);
    case 'failed':
      return told(
        progress?.state === 'failed' ? (progress.version ?? ordered) : status.running.version,
        state,
      );
    case 'ready':
    case 'rebooting':
      return told(status.pending?.version ?? pending?.version, state);
    case 'rolled_back':
      return told(status.givenUp?.version, state);
    case 'verifying':
    case 'succeeded':
      return told(status.running.version, state);
  }
}
