import type { Coordinator } from '../context.ts';
import type { ChannelRow, DeliveryRow } from '../database/alarm-tables.ts';
import { readChannels } from './channels.ts';
import { CLAIM_MS, DELIVERY_LIFE_MS, MESSAGES_PER_TURN, RETRY_FIRST_MS, RETRY_MAX_MS } from './limits.ts';
import type { Notice } from './notice.ts';
import { type Sent, send } from './send.ts';

/**
 * Sends what waits, to all channels at once and to each in order: a message that is tried again holds up those behind it, so that `over` never
 * comes before what it ends. Any number of coordinators may do this: each message is taken by one of them at a time.
 */
export async function deliver(coordinator: Coordinator): Promise<void> {
  await Promise.all((await readChannels(coordinator.database)).map((channel) => serve(coordinator, channel)));
}

async function serve(coordinator: Coordinator, channel: ChannelRow): Promise<void> {
  for (let turn = 0; turn < MESSAGES_PER_TURN; turn += 1) {
    const delivery = await takeNext(coordinator, channel.id);
    if (!delivery) return;
    const notice = JSON.parse(delivery.notice) as Notice;
    const sent = await send(channel, { id: delivery.id, notice, now_ms: coordinator.now_ms() });
    await writeDown(coordinator, delivery, sent);
    if (sent.outcome !== 'delivered')
      coordinator.log.warn('an alarm was not delivered', {
        ...{ channel: channel.name, outcome: sent.outcome, error: sent.error },
      });
    if (sent.outcome === 'failed') return;
  }
}

/** The oldest that waits for the channel, if it is due and nobody else takes it. */
async function takeNext(
  { database, now_ms }: Coordinator,
  channel_id: string,
): Promise<DeliveryRow | undefined> {
  const now = now_ms();
  const first = await database
    .selectFrom('deliveries')
    .selectAll()
    .where('channel_id', '=', channel_id)
    .where('state', '=', 'waiting')
    .orderBy('id')
    .limit(1)
    .executeTakeFirst();
  if (!first || first.due_ms > now) return undefined;
  const attempts = first.attempts + 1;
  const due_ms = now + CLAIM_MS;
  const { numUpdatedRows } = await database
    .updateTable('deliveries')
    .set({ attempts, due_ms })
    .where('id', '=', first.id)
    .where('state', '=', 'waiting')
    .where('attempts', '=', first.attempts)
    .executeTakeFirst();
  return numUpdatedRows > 0n ? { ...first, attempts, due_ms } : undefined;
}

async function writeDown(
  { database, now_ms }: Coordinator,
  delivery: DeliveryRow,
  sent: Sent,
): Promise<void> {
  await database
    .updateTable('deliveries')
    .set(afterTry(delivery, sent, now_ms()))
    .where('id', '=', delivery.id)
    .where('attempts', '=', delivery.attempts)
    .execute();
}

/** What becomes of a message after a try. */
export function afterTry(
  { attempts, created_ms }: Pick<DeliveryRow, 'attempts' | 'created_ms'>,
  sent: Sent,
  now_ms: number,
): Pick<DeliveryRow, 'state' | 'due_ms' | 'ended_ms' | 'error'> {
  if (sent.outcome === 'delivered')
    return { state: 'delivered', due_ms: now_ms, ended_ms: now_ms, error: null };
  const { error } = sent;
  const dead = { state: 'dead', due_ms: now_ms, ended_ms: now_ms, error } as const;
  if (sent.outcome === 'refused') return dead;
  const pause_ms = Math.min(RETRY_FIRST_MS * 2 ** Math.min(attempts - 1, 20), RETRY_MAX_MS);
  const due_ms = now_ms + Math.max(pause_ms, sent.after_ms);
  if (due_ms >= created_ms + DELIVERY_LIFE_MS) return dead;
  return { state: 'waiting', due_ms, ended_ms: null, error };
}
