import { BulkheadError } from '../../base/errors.ts';
import { deviceIdOf } from '../../base/signing/key-id.ts';
import { type KeyRotation, rotationStatement } from '../../protocol/messages/enrolment.ts';
import { recordDeed } from '../audit/log.ts';
import type { Coordinator } from '../context.ts';
import { type Claim, takeClaim } from '../reports/claim.ts';
import { checkOf } from './keys.ts';

/**
 * A device goes over to a new key: the request is signed by the old one, the proof by the new one. From then on the old one
 * counts no more.
 *
 * @throws BulkheadError AGENT_KEY_INVALID, ROTATION_PROOF_WRONG, ROTATION_KEY_USED, AGENT_KEY_REVOKED, AGENT_REPLAY, DEVICE_PENDING
 */
export async function rotateKey(
  coordinator: Coordinator,
  claim: Claim,
  { public_key, proof }: KeyRotation,
): Promise<string> {
  const key_id = deviceIdOf(Buffer.from(public_key, 'base64'));
  const statement = rotationStatement(claim.key_id, key_id);
  if (!checkOf(public_key)(statement, Uint8Array.from(Buffer.from(proof, 'base64'))))
    throw new BulkheadError('ROTATION_PROOF_WRONG', 'the new key has not signed that it follows the old one');
  const now_ms = coordinator.now_ms();
  const { device_id } = claim;
  await coordinator.doWork(async (work) => {
    await takeClaim(work, claim, now_ms);
    const added = await work
      .insertInto('device_keys')
      .values({ key_id, device_id, public_key, state: 'active', added_ms: now_ms, ended_ms: null })
      .onConflict((conflict) => conflict.column('key_id').doNothing())
      .executeTakeFirst();
    if (added.numInsertedOrUpdatedRows === 0n)
      throw new BulkheadError('ROTATION_KEY_USED', 'the new key has been in use before');
    await work
      .updateTable('device_keys')
      .set({ state: 'retired', ended_ms: now_ms })
      .where('key_id', '=', claim.key_id)
      .execute();
    await work.updateTable('devices').set({ key_id }).where('id', '=', device_id).execute();
    await recordDeed(work, now_ms, {
      ...{ actor: `device:${device_id}`, action: 'device.rotate_key', subject: `device:${device_id}` },
      details: { from: claim.key_id, to: key_id },
    });
  });
  return key_id;
}
