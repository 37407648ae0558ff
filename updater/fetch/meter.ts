import { type Clock, systemClock } from './clock.ts';
import { FetchFailure } from './failure.ts';
import { BURST_MS } from './limits.ts';

export interface MeterOptions {
  /** Bytes a second that may be read; no limit when absent. */
  limit_bytes_per_s?: number;
  /** Bytes that may be read in all; no cap when absent. */
  max_bytes?: number;
  clock?: Clock;
}

/** Counts, slows and caps what is read. One meter may serve several sources: the bundle, its delta and its blocks. */
export class TransferMeter {
  readonly #limit_bytes_per_s: number | undefined;
  readonly #max_bytes: number | undefined;
  readonly #clock: Clock;
  #transferred_bytes = 0;
  /** Up to this moment the line is paid for. */
  #paid_ms = Number.NEGATIVE_INFINITY;

  /** @throws BulkheadError FETCH_LIMIT_INVALID: no limit is no value, not zero */
  constructor(options: MeterOptions = {}) {
    for (const limit of [options.limit_bytes_per_s, options.max_bytes]) {
      if (limit === undefined || limit > 0) continue;
      throw new FetchFailure('FETCH_LIMIT_INVALID', `a limit of ${limit} bytes lets nothing through`, {
        reaction: 'final',
        hint: 'leave the limit out if there is none',
      });
    }
    this.#limit_bytes_per_s = options.limit_bytes_per_s;
    this.#max_bytes = options.max_bytes;
    this.#clock = options.clock ?? systemClock;
  }

  /** Bytes of bodies that arrived, those that were of no use included. */
  get transferred_bytes(): number {
    return this.#transferred_bytes;
  }

  /** Whether there is a limit to the speed. */
  get limited(): boolean {
    return this.#limit_bytes_per_s !== undefined;
  }

  /**
   * Before a request: whether its answer fits under the cap.
   *
   * @throws BulkheadError FETCH_DATA_CAP
   */
  reserve(wanted_bytes: number): void {
    if (this.#max_bytes === undefined || this.#transferred_bytes + wanted_bytes <= this.#max_bytes) return;
    throw new FetchFailure(
      'FETCH_DATA_CAP',
      `fetching ${wanted_bytes} bytes more would exceed the data cap of ${this.#max_bytes} bytes: ${this.#transferred_bytes} were transferred`,
      { reaction: 'final', hint: 'raise the data cap, or wait until it is counted anew' },
    );
  }

  /**
   * Bytes that arrived. Returns when the line may be read again: whoever waits for it before the next read makes the
   * kernel's buffers fill up and the server slow down.
   *
   * @throws BulkheadError FETCH_DATA_CAP when a server sent more than was asked for
   */
  async take(size_bytes: number, signal: AbortSignal): Promise<void> {
    this.#transferred_bytes += size_bytes;
    this.reserve(0);
    if (this.#limit_bytes_per_s === undefined) return;
    const now_ms = this.#clock.now_ms();
    const cost_ms = (size_bytes / this.#limit_bytes_per_s) * 1000;
    this.#paid_ms = Math.max(this.#paid_ms, now_ms - BURST_MS) + cost_ms;
    const ahead_ms = this.#paid_ms - now_ms;
    if (ahead_ms > 0) await this.#clock.sleep(ahead_ms, signal);
  }
}
