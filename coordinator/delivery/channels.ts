import { BulkheadError } from '../../base/errors.ts';
import type { Severity } from '../alarms/kinds.ts';
import { recordDeed } from '../audit/log.ts';
import { type Coordinator, newId } from '../context.ts';
import type { ChannelRow, DeliveryRow } from '../database/alarm-tables.ts';
import type { Database, Work } from '../database/tables.ts';
import { CHANNELS_MAX } from './limits.ts';
import type { Notice } from './notice.ts';
import { formatWebhookSecret } from './send.ts';

/** Where alarms go, as an administrator says it. */
export type NewChannel = { name: string; least: Severity } & (
  | { kind: 'webhook'; url: string }
  /** `room` as Matrix names it, such as `!abc:example.org`; the token is that of a user who is in it. */
  | { kind: 'matrix'; url: string; room: string; access_token: string }
);

/** A channel as people see it: without what it takes to use it. */
export type ChannelView = Omit<ChannelRow, 'secret'>;

/**
 * @returns the channel, and of a webhook the secret that its messages are signed with; it is told this once
 * @throws BulkheadError CHANNEL_ADDRESS, CHANNELS_TOO_MANY
 */
export async function addChannel(
  coordinator: Coordinator,
  actor: string,
  wanted: NewChannel,
): Promise<{ channel: ChannelView; secret: string | null }> {
  const made = wanted.kind === 'webhook' ? formatWebhookSecret(coordinator.random(32)) : null;
  const channel: ChannelRow = {
    ...{ id: newId(coordinator), name: wanted.name, kind: wanted.kind, url: addressOf(wanted.url) },
    ...{ room: wanted.kind === 'matrix' ? wanted.room : null, least: wanted.least },
    secret: wanted.kind === 'matrix' ? wanted.access_token : (made ?? ''),
    ...{ created_ms: coordinator.now_ms(), created_by: actor },
  };
  await coordinator.doWork(async (work) => {
    if ((await readChannels(work)).length >= CHANNELS_MAX)
      throw new BulkheadError('CHANNELS_TOO_MANY', `there are ${CHANNELS_MAX} channels already`);
    await work.insertInto('channels').values(channel).execute();
    const { name, kind, url, room, least } = channel;
    await recordDeed(work, channel.created_ms, {
      ...{ actor, action: 'channel.add', subject: `channel:${channel.id}` },
      details: { name, kind, host: new URL(url).host, room, least },
    });
  });
  return { channel: viewChannel(channel), secret: made };
}

export async function listChannels({ database }: Coordinator): Promise<ChannelView[]> {
  return (await readChannels(database)).map(viewChannel);
}

export async function readChannels(database: Database | Work): Promise<ChannelRow[]> {
  return await database.selectFrom('channels').selectAll().orderBy('id').execute();
}

/** What waits for it is gone, too. @throws BulkheadError CHANNEL_UNKNOWN */
export async function removeChannel(coordinator: Coordinator, actor: string, id: string): Promise<void> {
  await coordinator.doWork(async (work) => {
    const { name } = await requireChannel(work, id);
    await work.deleteFrom('channels').where('id', '=', id).execute();
    await work.deleteFrom('deliveries').where('channel_id', '=', id).execute();
    await recordDeed(work, coordinator.now_ms(), {
      ...{ actor, action: 'channel.remove', subject: `channel:${id}`, details: { name } },
    });
  });
}

/** Queues a message that says that somebody tries the channel. @throws BulkheadError CHANNEL_UNKNOWN */
export async function testChannel(coordinator: Coordinator, actor: string, id: string): Promise<DeliveryRow> {
  const at_ms = coordinator.now_ms();
  return await coordinator.doWork(async (work) => {
    await requireChannel(work, id);
    return await queueNotice(coordinator, work, id, { type: 'test', at_ms, by: actor });
  });
}

/** Puts a message behind those that wait for the channel. */
export async function queueNotice(
  coordinator: Coordinator,
  work: Work,
  channel_id: string,
  notice: Notice,
): Promise<DeliveryRow> {
  const delivery: DeliveryRow = {
    ...{ id: newId(coordinator), channel_id, notice: JSON.stringify(notice), state: 'waiting', attempts: 0 },
    ...{ due_ms: notice.at_ms, created_ms: notice.at_ms, ended_ms: null, error: null },
  };
  await work.insertInto('deliveries').values(delivery).execute();
  return delivery;
}

async function requireChannel(work: Work, id: string): Promise<ChannelRow> {
  const channel = await work.selectFrom('channels').selectAll().where('id', '=', id).executeTakeFirst();
  if (!channel) throw new BulkheadError('CHANNEL_UNKNOWN', `there is no channel ${id}`);
  return channel;
}

/** The secret does not belong into the address: addresses are shown. */
function addressOf(text: string): string {
  const url = URL.parse(text);
  if (!url || !/^https?:$/.test(url.protocol) || url.username !== '' || url.password !== '')
    throw new BulkheadError('CHANNEL_ADDRESS', 'alarms cannot be sent to this address', {
      hint: 'an address like https://receiver.example/alarms is needed, without name and password',
    });
  return url.href;
}

function viewChannel({ secret: _, ...channel }: ChannelRow): ChannelView {
  return channel;
}
