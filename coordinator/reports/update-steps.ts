import type { ChangeReason } from '../../protocol/messages/reports.ts';
import { type Coordinator, newId } from '../context.ts';
import type { PresenceRow, Work } from '../database/tables.ts';

type UpdateSight = Pick<PresenceRow, 'update_version' | 'update_state'>;

/**
 * Puts every step of an update that heartbeats tell of into the history of the device: how it went can be read there afterwards, and a
 * rollout is looked at again for it (rollouts/run/mark.ts).
 */
export async function recordSteps(
  coordinator: Coordinator,
  work: Work,
  presences: readonly { before: UpdateSight; now: PresenceRow }[],
): Promise<void> {
  const reason: ChangeReason = 'deployment';
  const rows = presences.flatMap(({ before, now }) => {
    const [was, is] = [textOf(before), textOf(now)];
    if (was === is) return [];
    const { device_id, heard_ms } = now;
    const changes = JSON.stringify([{ field: 'update', before: was, after: is }]);
    const received_ms = heard_ms ?? 0;
    return { id: newId(coordinator), device_id, reason, changes, observed_ms: received_ms, received_ms };
  });
  if (rows.length > 0) await work.insertInto('state_changes').values(rows).execute();
}

/** `1.2.0 downloading`; null: no update. */
function textOf({ update_version, update_state }: UpdateSight): string | null {
  return update_version === null ? null : `${update_version} ${update_state}`;
}
