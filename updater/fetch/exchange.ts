import { VERSION } from '../../base/version.ts';
import { type Address, redirectTarget } from './address.ts';
import { connectionFailure, FetchFailure } from './failure.ts';
import { QUICK_BYTES_PER_S, QUICK_MIN_BYTES, REDIRECTS_MAX, WHOLE_MAX_BYTES } from './limits.ts';
import type { FetchSettings } from './options.ts';
import { type Answer, get, type Trust } from './request.ts';

const REDIRECTS: readonly number[] = [301, 302, 303, 307, 308];

/** What every exchange of one source shares. */
export interface Line {
  settings: FetchSettings;
  trust: Trust;
  /** Aborted with a FetchFailure when the source is closed or its caller wants no more. */
  signal: AbortSignal;
  /** The last long answer came quickly: the next one need not be watched byte by byte. */
  quick: boolean;
}

/**
 * One request with its redirects and the body of its answer, under the timers and limits of the source. `close` must be
 * called in the end; it ends the connection unless the answer was read to its end.
 */
export class Exchange {
  readonly #address: Address;
  readonly #line: Line;
  readonly #abort = new AbortController();
  readonly #leave = () => this.#abort.abort(this.#line.signal.reason);

  /** Whether an answer of this length is better read by `readWhole`. */
  takesWhole(size_bytes: number): boolean {
    return this.#line.quick && size_bytes <= WHOLE_MAX_BYTES;
  }

  constructor(address: Address, line: Line) {
    this.#address = address;
    this.#line = line;
    if (line.signal.aborted) this.#leave();
    else line.signal.addEventListener('abort', this.#leave, { once: true });
  }

  close(): void {
    this.#line.signal.removeEventListener('abort', this.#leave);
    this.#abort.abort();
  }

  /**
   * Asks, and follows redirects.
   *
   * @throws FetchFailure FETCH_BROKEN, FETCH_TLS, FETCH_STALLED, FETCH_REDIRECT_REFUSED, FETCH_REDIRECTS
   */
  async open(headers: Record<string, string>): Promise<Answer> {
    let at = this.#address;
    for (let hop = 0; hop <= REDIRECTS_MAX; hop += 1) {
      const answer = await this.#watched(() => this.#ask(at, headers));
      if (!REDIRECTS.includes(answer.status)) return answer;
      // The body of a redirect is not read: its connection ends with the exchange.
      at = redirectTarget(at, answer.headers['location'], this.#address, this.#line.settings.hosts);
    }
    throw new FetchFailure(
      'FETCH_REDIRECTS',
      `${this.#address.name} redirects more than ${REDIRECTS_MAX} times`,
      { reaction: 'out' },
    );
  }

  /**
   * The body as it arrives, at the speed the meter allows. Ends where the answer ends; that it is long enough is for the
   * reader to check.
   *
   * @throws FetchFailure FETCH_BROKEN, FETCH_STALLED, FETCH_SLOW, FETCH_DATA_CAP
   */
  async *read(answer: Answer): AsyncGenerator<Uint8Array, void, void> {
    const { meter, clock, rate_window_ms, rate_min_bytes_per_s } = this.#line.settings;
    // Only the time spent waiting for the server counts: a slow disk or the bandwidth limit are not its fault.
    let waited_ms = 0;
    let arrived_bytes = 0;
    let sum_bytes = 0;
    let sum_ms = 0;
    const reader = answer.parts()?.getReader();
    for (;;) {
      const asked_ms = clock.now_ms();
      const part = (await this.#watched(async () => reader?.read()))?.value;
      const took_ms = clock.now_ms() - asked_ms;
      sum_ms += took_ms;
      waited_ms += took_ms;
      if (!part) return this.#judgeSpeed(sum_bytes, sum_ms);
      sum_bytes += part.length;
      arrived_bytes += part.length;
      await meter.take(part.length, this.#abort.signal);
      yield part;
      if (waited_ms < rate_window_ms) continue;
      if (arrived_bytes * 1000 < rate_min_bytes_per_s * waited_ms) throw this.#slow(arrived_bytes, waited_ms);
      waited_ms = 0;
      arrived_bytes = 0;
    }
  }

  /**
   * The body in one part, for an answer of a known and bounded length. Through a stream the same bytes leave 15 MB of buffers in
   * many sizes behind; but nothing is seen of them until all have come, and when the connection breaks they are lost. So this is
   * for lines that are quick.
   *
   * @throws FetchFailure FETCH_BROKEN, FETCH_STALLED, FETCH_DATA_CAP
   */
  async readWhole(answer: Answer): Promise<Uint8Array> {
    const { meter, clock } = this.#line.settings;
    const asked_ms = clock.now_ms();
    this.#line.quick = false;
    const bytes = await this.#watched(() => answer.whole());
    this.#judgeSpeed(bytes.length, clock.now_ms() - asked_ms);
    await meter.take(bytes.length, this.#abort.signal);
    return bytes;
  }

  #judgeSpeed(size_bytes: number, waited_ms: number): void {
    // A short answer tells more about the way to the server than about the line.
    if (size_bytes < QUICK_MIN_BYTES) return;
    const { meter } = this.#line.settings;
    this.#line.quick = !meter.limited && size_bytes * 1000 >= QUICK_BYTES_PER_S * waited_ms;
  }

  async #ask(at: Address, headers: Record<string, string>): Promise<Answer> {
    const more = {
      ...(at.authorization === undefined ? {} : { Authorization: at.authorization }),
      'Accept-Encoding': 'identity',
      'User-Agent': `bulkhead/${VERSION}`,
    };
    return get(at.url, { ...headers, ...more }, this.#line.trust, this.#abort.signal);
  }

  /** Waits for the connection, but not longer than it may stall. */
  async #watched<T>(step: () => Promise<T>): Promise<T> {
    const { stall_timeout_ms } = this.#line.settings;
    const { signal } = this.#abort;
    const timer = setTimeout(() => {
      const seconds = Math.round(stall_timeout_ms / 1000);
      this.#abort.abort(
        new FetchFailure('FETCH_STALLED', `${this.#address.name} sent nothing for ${seconds} s`, {
          reaction: 'retry',
        }),
      );
    }, stall_timeout_ms);
    try {
      return await step();
    } catch (error) {
      // The client reports an abort as an error of its own; why it was aborted is what counts.
      throw connectionFailure(signal.aborted ? signal.reason : error, this.#address.name);
    } finally {
      clearTimeout(timer);
    }
  }

  #slow(arrived_bytes: number, waited_ms: number): FetchFailure {
    const rate = Math.round((arrived_bytes * 1000) / waited_ms);
    return new FetchFailure('FETCH_SLOW', `${this.#address.name} sends only ${rate} bytes a second`, {
      reaction: 'next',
    });
  }
}
