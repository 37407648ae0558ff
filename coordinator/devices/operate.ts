import { BulkheadError } from '../../base/errors.ts';
import { formatCode } from '../../protocol/messages/enrolment.ts';
import { recordDeed } from '../audit/log.ts';
import { type Coordinator, newId } from '../context.ts';
import type { DeviceRow, EnrolmentCodeRow, Work } from '../database/tables.ts';
import { hashSecret } from '../people/secrets.ts';
import { approveWith, endKeys, findByCode } from './approve.ts';

export interface ApprovalWish {
  name?: string | undefined;
  tags?: Record<string, string> | undefined;
  replaces?: string | undefined;
}

/**
 * @param which the id of the device, or the code that it shows
 * @throws BulkheadError DEVICE_UNKNOWN, DEVICE_NOT_PENDING
 */
export async function approveDevice(
  coordinator: Coordinator,
  actor: string,
  which: { id: string } | { code: string },
  { tags, ...wish }: ApprovalWish,
): Promise<string> {
  return await coordinator.doWork(async (work) => {
    const device =
      'id' in which ? await requireDevice(work, which.id) : await findByCode(coordinator, work, which.code);
    await approveWith(coordinator, work, device, {
      ...wish,
      actor,
      tags: tags === undefined ? undefined : JSON.stringify(tags),
    });
    return device.id;
  });
}

/**
 * Says no to a waiting device, or ends one that was in: nothing is taken from its keys any more. `revoked` needs a new key and a
 * new approval to come back.
 *
 * @throws BulkheadError DEVICE_UNKNOWN, DEVICE_ENDED
 */
export async function endDevice(
  coordinator: Coordinator,
  actor: string,
  id: string,
  reason: string,
): Promise<void> {
  const now_ms = coordinator.now_ms();
  await coordinator.doWork(async (work) => {
    const { state } = await requireDevice(work, id);
    if (state !== 'pending' && state !== 'approved')
      throw new BulkheadError('DEVICE_ENDED', `device ${id} is ${state} already`);
    const ended = state === 'pending' ? 'refused' : 'revoked';
    await work
      .updateTable('devices')
      .set({ state: ended, code: null, code_expires_ms: null, decided_ms: now_ms, decided_by: actor })
      .where('id', '=', id)
      .execute();
    await endKeys(work, id, now_ms);
    await recordDeed(work, now_ms, {
      actor,
      action: `device.${ended}`,
      subject: `device:${id}`,
      details: { reason },
    });
  });
}

/** @throws BulkheadError DEVICE_UNKNOWN */
export async function describeDevice(
  coordinator: Coordinator,
  actor: string,
  id: string,
  { name, tags }: { name?: string | undefined; tags?: Record<string, string> | undefined },
): Promise<void> {
  const change = {
    ...(name === undefined ? {} : { name }),
    ...(tags === undefined ? {} : { tags: JSON.stringify(tags) }),
  };
  await coordinator.doWork(async (work) => {
    await requireDevice(work, id);
    if (Object.keys(change).length === 0) return;
    await work.updateTable('devices').set(change).where('id', '=', id).execute();
    await recordDeed(work, coordinator.now_ms(), {
      ...{ actor, action: 'device.describe', subject: `device:${id}`, details: { name, tags } },
    });
  });
}

/** Pre-authorised codes, oldest first; the codes themselves are known to nobody any more. */
export async function listEnrolmentCodes({ database }: Coordinator): Promise<EnrolmentCodeRow[]> {
  return await database.selectFrom('enrolment_codes').selectAll().orderBy('id').execute();
}

/** A code that approves by itself, for the stick of a technician. It is shown this once. */
export async function addEnrolmentCode(
  coordinator: Coordinator,
  actor: string,
  wanted: { note: string; uses_max: number; expires_ms: number; tags: Record<string, string> },
): Promise<EnrolmentCodeRow & { code: string }> {
  const now_ms = coordinator.now_ms();
  const code = formatCode(coordinator.random(10));
  const { note, uses_max, expires_ms } = wanted;
  const row: EnrolmentCodeRow = {
    ...{ id: newId(coordinator), code_hash: hashSecret(code), note, uses_max, used: 0, expires_ms },
    ...{ tags: JSON.stringify(wanted.tags), created_ms: now_ms, created_by: actor, revoked_ms: null },
  };
  await coordinator.doWork(async (work) => {
    await work.insertInto('enrolment_codes').values(row).execute();
    await recordDeed(work, now_ms, {
      ...{
        actor,
        action: 'enrolment_code.create',
        subject: `enrolment-code:${row.id}`,
        details: { note, uses_max },
      },
    });
  });
  return { ...row, code };
}

/** @throws BulkheadError ENROLMENT_CODE_UNKNOWN */
export async function revokeEnrolmentCode(
  coordinator: Coordinator,
  actor: string,
  id: string,
): Promise<void> {
  const now_ms = coordinator.now_ms();
  await coordinator.doWork(async (work) => {
    const { numUpdatedRows } = await work
      .updateTable('enrolment_codes')
      .set({ revoked_ms: now_ms })
      .where('id', '=', id)
      .where('revoked_ms', 'is', null)
      .executeTakeFirst();
    if (numUpdatedRows === 0n)
      throw new BulkheadError('ENROLMENT_CODE_UNKNOWN', `there is no enrolment code ${id}`);
    await recordDeed(work, now_ms, {
      actor,
      action: 'enrolment_code.revoke',
      subject: `enrolment-code:${id}`,
    });
  });
}

async function requireDevice(work: Work, id: string): Promise<DeviceRow> {
  const device = await work.selectFrom('devices').selectAll().where('id', '=', id).executeTakeFirst();
  if (!device) throw new BulkheadError('DEVICE_UNKNOWN', `there is no device ${id}`);
  return device;
}
