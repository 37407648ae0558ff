import { createHmac } from 'node:crypto';
import { describeError } from '../../base/errors.ts';
import type { ChannelRow } from '../database/alarm-tables.ts';
import { ANSWER_SHOWN_MAX, SEND_TIMEOUT_MS } from './limits.ts';
import { matrixContent, type Notice, webhookBody } from './notice.ts';

/** What came of one try. */
export type Sent =
  | { outcome: 'delivered' }
  /** It may work later, but not before `after_ms`. */
  | { outcome: 'failed'; error: string; after_ms: number }
  /** It will never work like this. */
  | { outcome: 'refused'; error: string };

const SECRET_PREFIX = 'whsec_';

/** A new secret for a webhook, in the form of the Standard Webhooks specification. @param random 32 bytes */
export function formatWebhookSecret(random: Uint8Array): string {
  return SECRET_PREFIX + Buffer.from(random).toString('base64');
}

/**
 * `webhook-signature` of a message (Standard Webhooks 1.0.0): HMAC-SHA256 over id, time and body.
 *
 * @param timestamp_s seconds since 1970, as in `webhook-timestamp`
 */
function webhookSignature(secret: string, id: string, timestamp_s: number, body: string): string {
  const key = Buffer.from(secret.slice(SECRET_PREFIX.length), 'base64');
  return `v1,${createHmac('sha256', key).update(`${id}.${timestamp_s}.${body}`).digest('base64')}`;
}

/** Sends one message once. Never throws: what went wrong is told. @param id the same with every try: who gets it twice can tell */
export async function send(
  channel: ChannelRow,
  { id, notice, now_ms }: { id: string; notice: Notice; now_ms: number },
): Promise<Sent> {
  const request =
    channel.kind === 'matrix'
      ? matrixRequest(channel, id, notice)
      : webhookRequest(channel, id, notice, now_ms);
  try {
    const answer = await fetch(request, {
      redirect: 'manual',
      signal: AbortSignal.timeout(SEND_TIMEOUT_MS),
    });
    const words = (await answer.text()).slice(0, ANSWER_SHOWN_MAX);
    return outcomeOf(answer, words);
  } catch (error) {
    return { outcome: 'failed', error: describeError(error), after_ms: 0 };
  }
}

function webhookRequest({ url, secret }: ChannelRow, id: string, notice: Notice, now_ms: number): Request {
  const body = webhookBody(notice);
  const timestamp_s = Math.floor(now_ms / 1000);
  return new Request(url, {
    ...{ method: 'POST', body },
    headers: {
      ...{ 'content-type': 'application/json', 'webhook-id': id, 'webhook-timestamp': String(timestamp_s) },
      'webhook-signature': webhookSignature(secret, id, timestamp_s, body),
    },
  });
}

/** Matrix client-server API 1.11, section 10.6.1: of two requests with one transaction id the second does nothing. */
function matrixRequest({ url, room, secret }: ChannelRow, id: string, notice: Notice): Request {
  const path = `/_matrix/client/v3/rooms/${encodeURIComponent(room ?? '')}/send/m.room.message/${id}`;
  return new Request(url.replace(/\/+$/, '') + path, {
    ...{ method: 'PUT', body: JSON.stringify(matrixContent(notice)) },
    headers: { 'content-type': 'application/json', authorization: `Bearer ${secret}` },
  });
}

/** Statuses of the 400s that pass by themselves (RFC 9110, RFC 6585, RFC 8470). */
const LATER = [408, 425, 429];

function outcomeOf(answer: Response, words: string): Sent {
  if (answer.ok) return { outcome: 'delivered' };
  const error = `${answer.status}${words === '' ? '' : `: ${words}`}`;
  if (answer.status < 500 && !LATER.includes(answer.status)) return { outcome: 'refused', error };
  return { outcome: 'failed', error, after_ms: pauseOf(answer, words) };
}

/** `Retry-After`, or what a Matrix server says in its body. */
function pauseOf(answer: Response, words: string): number {
  const after_s = Number(answer.headers.get('retry-after') ?? Number.NaN);
  if (after_s >= 0) return after_s * 1000;
  const told = Number(/"retry_after_ms":\s*(\d+)/.exec(words)?.[1] ?? 0);
  return Number.isSafeInteger(told) ? told : 0;
}
