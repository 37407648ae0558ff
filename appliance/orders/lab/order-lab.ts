import { deviceIdOf } from '../../../base/signing/key-id.ts';
import { testKey } from '../../../base/signing/test-key.ts';
import { type Order, sealOrder } from '../../../protocol/orders/order.ts';
import { ORDER_TYPES, type OrderType } from '../../../protocol/orders/order-types.ts';
import type { OrderResult } from '../../../protocol/orders/result.ts';
import type { OrderTrust, Outbox, OutgoingMessage } from '../../link/interfaces.ts';
import type { BookEntry } from '../entry.ts';
import type { Sight } from '../sight.ts';

/** Orders as a coordinator signs them, and an outbox that can be read. For tests. */

const COORDINATOR = testKey('coordinator');
const APPLIANCE_KEY_ID = deviceIdOf(testKey('appliance').public_key);
export const NOW_MS = Date.parse('2026-11-21T12:00:00Z');
const HOUR_MS = 3_600_000;

export const trust = (now_ms = NOW_MS): OrderTrust => ({
  keys: new Map([[COORDINATOR.key_id, COORDINATOR.public_key]]),
  key_id: APPLIANCE_KEY_ID,
  now_ms,
});

/** Parameters that fit, of the types that an appliance does. */
export const PARAMETERS: Partial<Record<OrderType, Record<string, unknown>>> = {
  force_checkin: {},
  restart_agent: {},
  update: {
    version: '1.1.0',
    bundle: { sha256: 'a'.repeat(64), size_bytes: 1000, urls: ['/artifacts/a', 'https://mirror.example/a'] },
    reboot: 'at_once',
  },
  rollback: { reason: 'a test', reboot: 'at_once' },
  reboot: { reason: 'a test', reboot: 'at_once' },
  view_logs: { since_s: 3600, lines_max: 100 },
  diagnostic: { command: 'memory' },
  run_drift: {},
  sync_rules: {},
  healing: { host: 'till-1', check_type: 'firewall', action: 'enable_firewall' },
  enable_healing: { reason: 'a test' },
  disable_healing: { reason: 'a test' },
  sensor_status: {},
  deploy_sensor: { host: 'till-1' },
  remove_sensor: { host: 'till-1' },
};

export function orderId(number = 1): string {
  return `0199a7c0-0000-7000-8000-${String(number).padStart(12, '0')}`;
}

export function makeOrder(type: string, changed: Partial<Order> = {}): Order {
  return {
    ...{ format: 1, id: orderId(), type, parameters: PARAMETERS[type as OrderType] ?? {} },
    ...{ target: APPLIANCE_KEY_ID, attempt: 1, nonce: '0'.repeat(32) },
    ...{ not_before_ms: NOW_MS - HOUR_MS, expires_ms: NOW_MS + HOUR_MS },
    timeout_s: ORDER_TYPES[type as OrderType]?.timeout_s ?? 60,
    ...changed,
  };
}

export function seal(order: Order, key = COORDINATOR): unknown {
  return JSON.parse(JSON.stringify(sealOrder(order, key)));
}

export const envelope = (type: string, changed: Partial<Order> = {}): unknown =>
  seal(makeOrder(type, changed));

/** Keeps what was put into it. */
export class OpenOutbox implements Outbox {
  readonly messages: OutgoingMessage[] = [];

  put(message: OutgoingMessage): void {
    this.messages.push(message);
  }

  results(id = orderId()): OrderResult[] {
    return this.messages.flatMap((message) =>
      message.kind === 'result' && message.order_id === id ? [message.result] : [],
    );
  }

  states(id = orderId()): string[] {
    return this.results(id).map(({ state }) => state);
  }

  log(id = orderId()): string {
    return this.messages
      .flatMap((message) => (message.kind === 'log' && message.order_id === id ? [message.piece.text] : []))
      .join('');
  }
}

/** An appliance that runs 1.0.0, committed, and is at nothing. */
export function makeSight(changed: Partial<Sight> = {}): Sight {
  return {
    ...{ now_ms: NOW_MS, boot_id: 'boot-1', run_id: 'run-1', doing: new Set<string>(), judged: true },
    ...{ committed: { slot: 'A', version: '1.0.0' }, window_open: true },
    update: { asked: null, taken: null, progress: null, pending: null, history: [] },
    power: { asked: null, answer: null },
    ...changed,
  };
}

/** An order that was accepted and told. */
export function makeEntry(type: string, changed: Partial<BookEntry> = {}): BookEntry {
  const { id, attempt, parameters, timeout_s } = makeOrder(type);
  return {
    ...{ id, attempt, type, parameters, timeout_s, state: 'accepted', accepted_ms: NOW_MS, start: null },
    ...{ ended_ms: null, code: null, message: null, facts: null, told: 'accepted' },
    ...changed,
  };
}

/** The same, started when 1.0.0 ran, in the first boot and process. */
export function startedEntry(type: string, changed: Partial<BookEntry> = {}): BookEntry {
  const start = { at_ms: NOW_MS, boot_id: 'boot-1', run_id: 'run-1', version: '1.0.0' };
  return makeEntry(type, { state: 'started', start, ...changed });
}
