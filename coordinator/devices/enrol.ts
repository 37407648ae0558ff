import { BulkheadError } from '../../base/errors.ts';
import { deviceIdOf } from '../../base/signing/key-id.ts';
import type { EnrolmentAnswer } from '../../protocol/messages/answers.ts';
import { type EnrolmentRequest, formatCode } from '../../protocol/messages/enrolment.ts';
import { recordDeed } from '../audit/log.ts';
import { type Coordinator, newId } from '../context.ts';
import type { DeviceRow, Work } from '../database/tables.ts';
import { DEVICE_CODE_MS, PENDING_MAX, PENDING_RETRY_S } from '../limits.ts';
import { keyRevoked } from '../reports/claim.ts';
import { TooMany } from '../reports/rate-limit.ts';
import { approveWith, useCode } from './approve.ts';

/**
 * A box brings its key and says what it is; nothing of what it says is believed. It gets a record of its own, whoever else says
 * the same: taking a device over would take its key.
 *
 * @param request its signature was checked with the very key it brings
 * @param admit throws when the address has left too many new records waiting; nothing is written then
 * @throws BulkheadError AGENT_KEY_REVOKED, DEVICE_REFUSED, TOO_MANY_REQUESTS
 */
export async function enrol(
  coordinator: Coordinator,
  request: EnrolmentRequest,
  address: string,
  admit: () => void,
): Promise<EnrolmentAnswer> {
  const key_id = deviceIdOf(Buffer.from(request.public_key, 'base64'));
  const now_ms = coordinator.now_ms();
  return await coordinator.doWork(async (work) => {
    const known = await findByKey(work, key_id);
    let device = known ?? (await addPending(coordinator, work, key_id, request, address));
    if (device.state === 'refused')
      throw new BulkheadError('DEVICE_REFUSED', 'an operator has refused this appliance');
    if (device.state === 'revoked' || device.state === 'replaced') throw keyRevoked();
    let provision: EnrolmentAnswer['provision'] = 'none';
    if (device.state === 'pending') {
      device = await refresh(coordinator, work, device, request);
      if (request.provision_code !== undefined) {
        provision = await provisionWith(coordinator, work, device, request.provision_code);
        if (provision === 'accepted')
          device = { ...device, state: 'approved', code: null, code_expires_ms: null };
      }
    }
    if (!known && device.state === 'pending') admit();
    const { key_id: order_key_id, public_key } = coordinator.orderKey;
    return {
      ...{
        state: device.state === 'approved' ? 'approved' : 'pending',
        device_id: device.id,
        key_id,
        provision,
      },
      ...{ code: device.code, code_expires_ms: device.code_expires_ms, retry_after_s: PENDING_RETRY_S },
      server_time_ms: now_ms,
      order_keys: [{ key_id: order_key_id, public_key: Buffer.from(public_key).toString('base64') }],
    };
  });
}

async function findByKey(work: Work, key_id: string): Promise<DeviceRow | undefined> {
  const key = await work
    .selectFrom('device_keys')
    .selectAll()
    .where('key_id', '=', key_id)
    .executeTakeFirst();
  if (!key) return undefined;
  const device = await work
    .selectFrom('devices')
    .selectAll()
    .where('id', '=', key.device_id)
    .executeTakeFirstOrThrow();
  if (key.state === 'active' || device.state === 'refused') return device;
  throw keyRevoked();
}

async function addPending(
  coordinator: Coordinator,
  work: Work,
  key_id: string,
  { public_key, facts }: EnrolmentRequest,
  address: string,
): Promise<DeviceRow> {
  const now_ms = coordinator.now_ms();
  const pending = await work
    .selectFrom('devices')
    .select((select) => select.fn.countAll<number>().as('count'))
    .where('state', '=', 'pending')
    .executeTakeFirstOrThrow();
  if (Number(pending.count) >= PENDING_MAX) throw new TooMany('too many appliances wait for approval', 60);
  const conflicts = await findSameMachine(work, facts);
  const device: DeviceRow = {
    ...{ id: newId(coordinator), state: 'pending', key_id, name: null, tags: '{}', ...factsOf(facts) },
    ...{ code: formatCode(coordinator.random(10)), code_expires_ms: now_ms + DEVICE_CODE_MS },
    ...{ conflicts: JSON.stringify(conflicts), enrolment_code_id: null, replaced_by: null },
    ...{ created_ms: now_ms, decided_ms: null, decided_by: null },
  };
  await work.insertInto('devices').values(device).execute();
  await work
    .insertInto('device_keys')
    .values({ key_id, device_id: device.id, public_key, state: 'active', added_ms: now_ms, ended_ms: null })
    .execute();
  await recordDeed(work, now_ms, {
    ...{ actor: `device:${device.id}`, action: 'device.enrol', subject: `device:${device.id}` },
    details: { key_id, address, conflicts },
  });
  return device;
}

/** What is kept of it; a later agent may say more. */
function factsOf({
  hostname,
  serial,
  product_uuid,
  mac,
  hardware,
  agent_version,
  image_version,
}: EnrolmentRequest['facts']) {
  return { hostname, serial, product_uuid, mac, hardware, agent_version, image_version };
}

/** Devices that said they are the same machine: by serial number, product id or MAC address. */
async function findSameMachine(
  work: Work,
  facts: Pick<EnrolmentRequest['facts'], 'serial' | 'product_uuid' | 'mac'>,
  own_id?: string,
): Promise<string[]> {
  const { serial, product_uuid, mac } = facts;
  const said = Object.entries({ serial, product_uuid, mac }).filter(
    ([, value]) => value !== null && value !== '',
  );
  if (said.length === 0) return [];
  const rows = await work
    .selectFrom('devices')
    .select('id')
    .where('state', 'in', ['pending', 'approved'])
    .where((where) =>
      where.or(said.map(([column, value]) => where(column as 'serial' | 'product_uuid' | 'mac', '=', value))),
    )
    .orderBy('id')
    .limit(20)
    .execute();
  return rows.map(({ id }) => id).filter((id) => id !== own_id);
}

/** What it says now, who says the same by now, and another code when the one it shows is over. */
async function refresh(
  coordinator: Coordinator,
  work: Work,
  device: DeviceRow,
  { facts }: EnrolmentRequest,
): Promise<DeviceRow> {
  const now_ms = coordinator.now_ms();
  const over = device.code === null || (device.code_expires_ms ?? 0) <= now_ms;
  const code = over
    ? { code: formatCode(coordinator.random(10)), code_expires_ms: now_ms + DEVICE_CODE_MS }
    : { code: device.code, code_expires_ms: device.code_expires_ms };
  const { hostname, agent_version, image_version } = facts;
  const conflicts = JSON.stringify(await findSameMachine(work, device, device.id));
  const now = { ...code, hostname, agent_version, image_version, conflicts };
  await work.updateTable('devices').set(now).where('id', '=', device.id).execute();
  return { ...device, ...now };
}

/** A pre-authorised code lets in what nobody else claims to be; where two say they are one machine, a person decides. */
async function provisionWith(
  coordinator: Coordinator,
  work: Work,
  device: DeviceRow,
  typed: string,
): Promise<EnrolmentAnswer['provision']> {
  if (device.conflicts !== '[]') return 'needs_approval';
  const code = await useCode(coordinator, work, typed);
  if (!code) return 'refused';
  const { id: enrolment_code_id, tags } = code;
  await approveWith(coordinator, work, device, {
    actor: `enrolment-code:${enrolment_code_id}`,
    enrolment_code_id,
    tags,
  });
  return 'accepted';
}
