import {
  type Fingerprint,
  fingerprintChanges,
  fingerprintDigest,
  fingerprintText,
} from '../../protocol/messages/fingerprint.ts';
import type { StateReport } from '../../protocol/messages/reports.ts';
import { type Coordinator, newId } from '../context.ts';
import { type Claim, takeClaim } from './claim.ts';

/**
 * A device says what it is: kept as its present state, and what is different from before as a change with its reason. The same report
 * twice in a row is taken twice and changes nothing the second time.
 *
 * @throws BulkheadError AGENT_KEY_REVOKED, AGENT_REPLAY, DEVICE_PENDING
 */
export async function takeState(coordinator: Coordinator, claim: Claim, report: StateReport): Promise<void> {
  const { device_id } = claim;
  const now_ms = coordinator.now_ms();
  const { fingerprint, reason, observed_at_ms: observed_ms, uptime_s } = report;
  const digest = fingerprintDigest(fingerprint);
  await coordinator.doWork(async (work) => {
    await takeClaim(work, claim, now_ms);
    const before = await work
      .selectFrom('device_states')
      .select(['fingerprint', 'digest', 'reason', 'observed_ms'])
      .where('device_id', '=', device_id)
      .executeTakeFirst();
    // The answer to this very report was lost, and it was sent again: one start is not two.
    if (before?.digest === digest && before.reason === reason && before.observed_ms === observed_ms) return;
    const changes = before
      ? fingerprintChanges(JSON.parse(before.fingerprint) as Fingerprint, fingerprint)
      : [];
    const state = {
      digest,
      fingerprint: fingerprintText(fingerprint),
      reason,
      observed_ms,
      received_ms: now_ms,
    };
    await work
      .insertInto('device_states')
      .values({ device_id, ...state })
      .onConflict((conflict) => conflict.column('device_id').doUpdateSet(state))
      .execute();
    // A start is worth knowing even when nothing has changed; a repeated report of the same is not.
    if (!before || changes.length > 0 || reason === 'startup') {
      const change = { id: newId(coordinator), device_id, reason, changes: JSON.stringify(changes) };
      await work
        .insertInto('state_changes')
        .values({ ...change, observed_ms, received_ms: now_ms })
        .execute();
    }
    const { agent_version, image_version, hostname } = fingerprint;
    await work
      .updateTable('devices')
      .set({ hostname, agent_version, image_version })
      .where('id', '=', device_id)
      .execute();
    await work
      .updateTable('device_presence')
      .set({ agent_version, uptime_s, state_digest: digest })
      .where('device_id', '=', device_id)
      .execute();
  });
}
