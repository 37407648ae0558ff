import type { Fingerprint } from '../../protocol/messages/fingerprint.ts';
import type { ChangeReason, StateReport } from '../../protocol/messages/reports.ts';
import type { OrderLogPiece, OrderResult } from '../../protocol/orders/result.ts';

/**
 * Where the parts of the agent meet: `link` talks to the coordinator, `fingerprint` knows what this machine is, `orders` does what is
 * ordered. Each knows the others by these interfaces alone.
 */

/** What an appliance says of itself and of its orders. */
export type OutgoingMessage =
  | { kind: 'state'; report: StateReport }
  | { kind: 'result'; order_id: string; result: OrderResult }
  | { kind: 'log'; order_id: string; piece: OrderLogPiece };

/** What cannot be said now is kept and said later, in order, once. */
export interface Outbox {
  /**
   * Durable when it returns, as far as this machine has a place to keep things. Never throws. Blocks for one flush to the disk.
   * When there is no more room, the oldest pieces of logs are given up first, then state reports that newer ones have superseded,
   * results never.
   */
  put(message: OutgoingMessage): void;
}

/** What tells an order that is meant for this appliance from anything else. */
export interface OrderTrust {
  /** Keys that orders are signed with, as the enrolment gave them: key id to raw Ed25519 public key. */
  keys: ReadonlyMap<string, Uint8Array>;
  /** Id of this appliance's own key, which an order has to name as its target. */
  key_id: string;
  /** Milliseconds since 1970 by the clock of the coordinator, which has set the times of the order. */
  now_ms: number;
}

/** Executes orders. */
export interface OrderRunner {
  /**
   * Envelopes as they came in the answer to a heartbeat; nothing of them has been looked at. Never throws, does not block: what
   * becomes of an order goes into the outbox.
   */
  take(envelopes: readonly unknown[], trust: OrderTrust): void;
  /** Takes no more, and resolves when nothing is under way that a restart could not take up again. */
  stop(): Promise<void>;
}

export interface FingerprintChange {
  fingerprint: Fingerprint;
  reason: ChangeReason;
}

/** The machine as it is now. */
export interface FingerprintSource {
  /** Never rejects: what cannot be found out is null in it. */
  current(): Promise<Fingerprint>;
  /** Calls back with the first fingerprint and why this process runs, and within seconds after any field has changed. @returns ends it */
  subscribe(listener: (change: FingerprintChange) => void): () => void;
}
