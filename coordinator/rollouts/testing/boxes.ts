import type { Appliance, OrderSight } from '../appliance.ts';
import type { PlannedOrder } from '../plan.ts';
import type { Version } from '../version.ts';

/** An order on the books of the abstract coordinator. */
export interface BookedOrder extends PlannedOrder {
  fate: OrderSight['fate'];
  state: OrderSight['state'];
  made_ms: number;
  /** When it had an outcome, or was taken back. */
  ended_ms: number | null;
}

/** How an appliance ends an order that it has fetched. */
export type Outcome = 'succeed' | 'fail' | 'roll_back';

/** One abstract appliance: two slots, one order at a time, and the habit of telling only while it is online. */
export class Box {
  /** What the coordinator knows of it, the order left out. */
  known: Omit<Appliance, 'order'>;
  /** Newest order of the rollout. */
  order: BookedOrder | null = null;
  #before: Version | null = null;
  #done: Outcome | null = null;

  constructor(known: Omit<Appliance, 'order'>) {
    this.known = known;
  }

  see(): Appliance {
    const { order } = this;
    return { ...this.known, order: order && { id: order.id, fate: order.fate, state: order.state } };
  }

  silence(presence: 'stale' | 'offline' = 'offline'): void {
    this.known = { ...this.known, presence };
  }

  speak(at_ms: number): void {
    this.known = { ...this.known, presence: 'online', last_heard_ms: at_ms };
    if (this.#done !== null) this.finish(this.#done, at_ms);
  }

  /** Fetches what waits for it. */
  poll(): boolean {
    if (this.known.presence !== 'online' || this.order?.fate !== 'queued') return false;
    this.order.fate = 'handed_out';
    this.order.state = 'notified';
    return true;
  }

  /** Boots what was ordered, on trial. */
  boot(): void {
    const order = this.#open();
    if (!order || !this.known.committed) return;
    this.#before = this.known.version;
    this.known = { ...this.known, version: order.to, committed: false };
    order.state = 'verifying';
  }

  /** Ends its order; while it is silent that stays unsaid until it speaks again. */
  finish(outcome: Outcome, at_ms: number): void {
    const order = this.#open();
    if (!order) return;
    if (this.known.presence !== 'online') {
      this.#done = outcome;
      return;
    }
    this.#done = null;
    if (outcome === 'succeed' || outcome === 'roll_back') this.boot();
    if (outcome === 'succeed') {
      this.known = { ...this.known, committed: true };
      order.state = 'succeeded';
    } else {
      const rejected = outcome === 'roll_back' ? [...this.known.rejected, order.to] : this.known.rejected;
      const version = this.known.committed ? this.known.version : this.#before;
      this.known = { ...this.known, version, committed: true, rejected };
      order.state = outcome === 'fail' ? 'failed' : 'rolled_back';
    }
    order.ended_ms = at_ms;
  }

  /** The release proves bad after it was committed, and GRUB takes the other slot. */
  fallBack(): void {
    if (this.#before === null || !this.known.committed || this.order?.state !== 'succeeded') return;
    this.known = { ...this.known, version: this.#before };
  }

  #open(): BookedOrder | undefined {
    const { order } = this;
    return order?.fate === 'handed_out' && order.ended_ms === null ? order : undefined;
  }
}
