import type { BulkheadError } from '../../base/errors.ts';
import { type Address, parseAddress } from './address.ts';
import type { FileVersion } from './answer.ts';
import { backoff_ms } from './backoff.ts';
import { FetchFailure } from './failure.ts';
import { MIRROR_TRIES, PROGRESS_MIN_BYTES } from './limits.ts';
import type { FetchSettings } from './options.ts';

/** Why a mirror is out whose file is not as long as that of another. */
const OF_ANOTHER_LENGTH: readonly string[] = ['FETCH_SIZE_CHANGED', 'FETCH_RANGE_OUTSIDE'];

/** One mirror and what is known of it. */
export interface Mirror {
  readonly address: Address;
  /** What it answered about the file. */
  version: FileVersion | undefined;
  /** In a row. */
  failures: number;
  /** It asked not to be asked before this moment. */
  resting_until_ms: number;
  /** Why it is not asked any more. */
  out: FetchFailure | undefined;
}

/**
 * The mirrors of one file, in the order of preference, and which of them is asked next. A mirror that works is stayed
 * with; nothing in here waits or fetches.
 */
export class Mirrors {
  readonly all: readonly Mirror[];
  #current: Mirror;
  readonly #settings: FetchSettings;
  /** Failures in a row, of all mirrors. */
  #attempt = 0;
  #progress_ms: number;

  /** @throws BulkheadError FETCH_URL_INVALID */
  constructor(urls: readonly string[], settings: FetchSettings) {
    this.all = urls.map((url) => ({
      address: parseAddress(url),
      version: undefined,
      failures: 0,
      resting_until_ms: 0,
      out: undefined,
    }));
    const [first] = this.all;
    if (!first) {
      throw new FetchFailure('FETCH_URL_INVALID', 'no address was given to fetch from', {
        reaction: 'final',
      });
    }
    this.#current = first;
    this.#settings = settings;
    this.#progress_ms = settings.clock.now_ms();
  }

  /**
   * The mirror to ask.
   *
   * @throws FetchFailure when every mirror is out: that of the only one, or one that names them all
   */
  current(): Mirror {
    if (!this.#current.out) return this.#current;
    const failures = this.all.flatMap(({ out }) => out ?? []);
    const [first] = failures;
    if (!first || failures.length === 1) throw this.#current.out;
    throw new FetchFailure(
      first.code,
      `none of ${failures.length} mirrors can be used: ${failures.map((out) => out.message).join('; ')}`,
      { reaction: 'final', cause: first, ...(first.hint === undefined ? {} : { hint: first.hint }) },
    );
  }

  /** An operation begins: time without progress is counted from here. */
  begin(): void {
    this.#progress_ms = this.#settings.clock.now_ms();
    this.#attempt = 0;
  }

  /** What was asked for arrived, or enough of it that a later failure is a new one. */
  progressed(): void {
    this.begin();
    for (const mirror of this.all) mirror.failures = 0;
  }

  /**
   * Decides what follows a failure.
   *
   * @param mirror that failed; another read may have gone on to the next one in the meantime
   * @param gained_bytes that arrived before it
   * @returns how long to wait before asking `current()`
   * @throws FetchFailure when it is final, no mirror is left, or the tries are used up (FETCH_GAVE_UP)
   */
  failed(mirror: Mirror, failure: FetchFailure, gained_bytes: number): number {
    if (failure.reaction === 'final') throw failure;
    const { clock, random, onRetry, attempts_max, retry_for_ms, give_up_at_ms } = this.#settings;
    const now_ms = clock.now_ms();
    if (gained_bytes >= PROGRESS_MIN_BYTES) this.progressed();
    // A mirror that is dropped is no try that failed: there are only so many.
    if (failure.reaction !== 'out') this.#attempt += 1;
    mirror.failures += 1;
    mirror.resting_until_ms = now_ms + failure.retryAfter_ms;
    if (failure.reaction === 'out') mirror.out = failure;
    const again = failure.reaction === 'retry' && mirror.failures % MIRROR_TRIES !== 0;
    if (!again && mirror === this.#current) this.#current = this.#successor(now_ms);
    const { failures, resting_until_ms } = this.current();
    const outOfTime = now_ms - this.#progress_ms >= retry_for_ms || now_ms >= give_up_at_ms;
    if (this.#attempt >= attempts_max || outOfTime) throw this.#gaveUp(failure);
    const delay_ms = Math.max(backoff_ms(failures, random()), resting_until_ms - now_ms, 0);
    const { code, message } = failure;
    onRetry?.({
      url: mirror.address.name,
      attempt: this.#attempt,
      reason: `${code}: ${message}`,
      delay_ms,
    });
    return delay_ms;
  }

  /**
   * A mirror gave something that was not signed: it is not asked again, and what it said of the file counts no more.
   *
   * @returns false where it is the only one left, which then stays
   */
  distrust(mirror: Mirror, reason: BulkheadError): boolean {
    // They were held to a length that may have been a lie.
    const wronged = this.all.filter(({ out }) => out !== undefined && OF_ANOTHER_LENGTH.includes(out.code));
    const others = this.all.filter((other) => other !== mirror && (!other.out || wronged.includes(other)));
    if (others.length === 0) return false;
    for (const other of wronged) other.out = undefined;
    mirror.version = undefined;
    mirror.out = new FetchFailure(reason.code, `${mirror.address.name}: ${reason.message}`, {
      ...{ reaction: 'out', cause: reason },
    });
    if (mirror === this.#current) this.#current = this.#successor(this.#settings.clock.now_ms());
    this.#settings.onRetry?.({
      ...{ url: mirror.address.name, attempt: this.#attempt, delay_ms: 0 },
      reason: `${reason.code}: ${reason.message}`,
    });
    return true;
  }

  /** The next one in order that may be asked now, else the one that may be asked first; the same if it is the only one. */
  #successor(now_ms: number): Mirror {
    const at = this.all.indexOf(this.#current);
    const order = [...this.all.slice(at + 1), ...this.all.slice(0, at + 1)].filter(({ out }) => !out);
    const rested = order.find(({ resting_until_ms }) => resting_until_ms <= now_ms);
    return rested ?? order.sort((a, b) => a.resting_until_ms - b.resting_until_ms)[0] ?? this.#current;
  }

  #gaveUp(failure: FetchFailure): FetchFailure {
    return new FetchFailure(
      'FETCH_GAVE_UP',
      `${this.all[0]?.address.name} could not be fetched: given up after ${this.#attempt} failures in a row`,
      { reaction: 'final', cause: failure, hint: 'check the network of the appliance and the server' },
    );
  }
}
