import { BulkheadError } from '../../base/errors.ts';
import { readCode } from '../../protocol/messages/enrolment.ts';
import { recordDeed } from '../audit/log.ts';
import type { Coordinator } from '../context.ts';
import type { DeviceRow, EnrolmentCodeRow, Work } from '../database/tables.ts';
import { hashSecret } from '../people/secrets.ts';

export interface Approval {
  /** Who approves. */
  actor: string;
  name?: string | undefined;
  /** JSON. */
  tags?: string | undefined;
  enrolment_code_id?: string;
  /** Device whose place this one takes: the same machine, installed anew. */
  replaces?: string | undefined;
}

/** @throws BulkheadError DEVICE_UNKNOWN for a code that no waiting appliance shows */
export async function findByCode({ now_ms }: Coordinator, work: Work, typed: string): Promise<DeviceRow> {
  const code = readCode(typed);
  const device =
    code === undefined
      ? undefined
      : await work
          .selectFrom('devices')
          .selectAll()
          .where('code', '=', code)
          .where('state', '=', 'pending')
          .where('code_expires_ms', '>', now_ms())
          .executeTakeFirst();
  if (!device)
    throw new BulkheadError('DEVICE_UNKNOWN', 'no waiting appliance shows this code', {
      hint: 'a code is shown for a day; read the present one off the appliance',
    });
  return device;
}

/**
 * Lets a waiting device in.
 *
 * @throws BulkheadError DEVICE_NOT_PENDING, DEVICE_UNKNOWN
 */
export async function approveWith(
  coordinator: Coordinator,
  work: Work,
  device: DeviceRow,
  approval: Approval,
): Promise<void> {
  const now_ms = coordinator.now_ms();
  const before =
    approval.replaces === undefined ? undefined : await retire(work, approval.replaces, device.id, now_ms);
  const decided = { decided_ms: now_ms, decided_by: approval.actor };
  const { numUpdatedRows } = await work
    .updateTable('devices')
    .set({
      ...{ state: 'approved', code: null, code_expires_ms: null, ...decided },
      name: approval.name ?? before?.name ?? device.name,
      tags: approval.tags ?? before?.tags ?? device.tags,
      enrolment_code_id: approval.enrolment_code_id ?? null,
    })
    .where('id', '=', device.id)
    .where('state', '=', 'pending')
    .executeTakeFirst();
  if (numUpdatedRows === 0n)
    throw new BulkheadError('DEVICE_NOT_PENDING', `device ${device.id} does not wait for approval`);
  const { heartbeat_interval_s } = coordinator.settings;
  await work
    .insertInto('device_presence')
    .values({
      ...{
        device_id: device.id,
        sequence: 0,
        heard_ms: null,
        interval_s: heartbeat_interval_s,
        agent_version: null,
      },
      ...{
        uptime_s: null,
        state_digest: null,
        update_version: null,
        update_state: null,
        waiting_records: null,
      },
    })
    .execute();
  const { actor, replaces } = approval;
  await recordDeed(work, now_ms, {
    ...{ actor, action: 'device.approve', subject: `device:${device.id}` },
    details: { key_id: device.key_id, ...(replaces === undefined ? {} : { replaces }) },
  });
}

/** Ends a device whose place another takes. */
async function retire(work: Work, id: string, replaced_by: string, now_ms: number): Promise<DeviceRow> {
  const device = await work
    .selectFrom('devices')
    .selectAll()
    .where('id', '=', id)
    .where('state', '=', 'approved')
    .executeTakeFirst();
  if (!device || id === replaced_by)
    throw new BulkheadError('DEVICE_UNKNOWN', `there is no approved device ${id} to replace`);
  await work.updateTable('devices').set({ state: 'replaced', replaced_by }).where('id', '=', id).execute();
  await endKeys(work, id, now_ms);
  return device;
}

/** From here on nothing is taken from any key of a device. */
export async function endKeys(work: Work, device_id: string, now_ms: number): Promise<void> {
  await work
    .updateTable('device_keys')
    .set({ state: 'revoked', ended_ms: now_ms })
    .where('device_id', '=', device_id)
    .where('state', '!=', 'revoked')
    .execute();
}

/** Counts one use of a pre-authorised code; undefined when it is none, used up, over or revoked. */
export async function useCode(
  { now_ms }: Coordinator,
  work: Work,
  typed: string,
): Promise<EnrolmentCodeRow | undefined> {
  const code = readCode(typed);
  if (code === undefined) return undefined;
  return await work
    .updateTable('enrolment_codes')
    .set((set) => ({ used: set('used', '+', 1) }))
    .where('code_hash', '=', hashSecret(code))
    .where('revoked_ms', 'is', null)
    .where('expires_ms', '>', now_ms())
    .whereRef('used', '<', 'uses_max')
    .returningAll()
    .executeTakeFirst();
}
