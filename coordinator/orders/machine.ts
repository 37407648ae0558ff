import type { OrderRow, OrderState } from '../database/tables.ts';
import { HAND_OUTS_MAX, ORDER_ACCEPT_MS, ORDER_BACKOFF_MAX_MS, ORDER_BACKOFF_MS } from '../limits.ts';

/**
 * What becomes of an order, as plain decisions:
 *
 *   queued ──hand out──▶ handed_out ──accepted──▶ accepted ──succeeded──▶ succeeded
 *     ▲                    │ not accepted in time    │ failed, or deadline passed
 *     └────────────────────┴─────────────────────────┘ while attempts and time are left, later each time
 *
 * Ends: succeeded, failed, refused, expired, unanswered, cancelled. All but the first and the last are dead letters.
 */
export type OrderFacts = Pick<
  OrderRow,
  'state' | 'attempt' | 'attempts_max' | 'hand_outs' | 'timeout_s' | 'not_before_ms' | 'expires_ms' | 'due_ms'
>;

/** What changes in the row; `ended`: it will not change again by itself. */
export interface OrderChange {
  state: OrderState;
  attempt: number;
  hand_outs: number;
  not_before_ms: number;
  due_ms: number;
  ended: boolean;
}

export const OPEN_STATES: readonly OrderState[] = ['queued', 'handed_out', 'accepted'];
export const DEAD_STATES: readonly OrderState[] = ['failed', 'refused', 'expired', 'unanswered'];

/** An ended order is looked at no more. */
const NEVER_MS = Number.MAX_SAFE_INTEGER;

export type Outcome = 'accepted' | 'refused' | 'succeeded' | 'failed';

/** An attempt is given to the device. */
export function afterHandOut(order: OrderFacts, now_ms: number): OrderChange {
  const due_ms = Math.min(now_ms + ORDER_ACCEPT_MS, order.expires_ms);
  return { ...kept(order), state: 'handed_out', hand_outs: order.hand_outs + 1, due_ms };
}

/** @returns null for what is known already, or belongs to an attempt that is over */
export function afterResult(
  order: OrderFacts,
  result: { attempt: number; outcome: Outcome },
  now_ms: number,
): OrderChange | null {
  if (result.attempt !== order.attempt || order.state === 'cancelled') return null;
  const open = OPEN_STATES.includes(order.state);
  switch (result.outcome) {
    case 'accepted':
      return order.state === 'queued' || order.state === 'handed_out'
        ? { ...kept(order), state: 'accepted', due_ms: now_ms + order.timeout_s * 1000 }
        : null;
    case 'succeeded':
      // What was observed is true, however late it is told.
      return open || order.state === 'unanswered' || order.state === 'expired'
        ? end(order, 'succeeded')
        : null;
    case 'refused':
      return open ? end(order, 'refused') : null;
    case 'failed':
      return open ? (again(order, now_ms) ?? end(order, 'failed')) : null;
  }
}

/** What the time alone makes of it; null: nothing yet. */
export function afterTime(order: OrderFacts, now_ms: number): OrderChange | null {
  if (now_ms < order.due_ms || !OPEN_STATES.includes(order.state)) return null;
  if (order.state === 'accepted') return again(order, now_ms) ?? end(order, 'unanswered');
  if (now_ms >= order.expires_ms) return end(order, 'expired');
  if (order.hand_outs >= HAND_OUTS_MAX) return end(order, 'unanswered');
  return { ...kept(order), state: 'queued', due_ms: order.expires_ms };
}

/** An operator takes it back; what the device has accepted cannot be taken back any more. */
export function afterCancel(order: OrderFacts): OrderChange | null {
  return order.state === 'queued' || order.state === 'handed_out' ? end(order, 'cancelled') : null;
}

/** The next attempt, after a pause; undefined when there is none left. */
function again(order: OrderFacts, now_ms: number): OrderChange | undefined {
  if (order.attempt >= order.attempts_max) return undefined;
  const pause_ms = Math.min(ORDER_BACKOFF_MS * 2 ** (order.attempt - 1), ORDER_BACKOFF_MAX_MS);
  if (now_ms + pause_ms >= order.expires_ms) return undefined;
  const next = { attempt: order.attempt + 1, hand_outs: 0, not_before_ms: now_ms + pause_ms };
  return { ...next, state: 'queued', due_ms: order.expires_ms, ended: false };
}

function end(order: OrderFacts, state: OrderState): OrderChange {
  return { ...kept(order), state, due_ms: NEVER_MS, ended: true };
}

function kept({ attempt, hand_outs, not_before_ms }: OrderFacts) {
  return { attempt, hand_outs, not_before_ms, ended: false };
}
