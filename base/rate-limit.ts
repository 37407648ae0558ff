import { BulkheadError } from './errors.ts';

interface Bucket {
  tokens: number;
  at_ms: number;
}

export interface RateLimitOptions {
  burst: number;
  refill_per_s: number;
  /** Subjects that are remembered. */
  remembered_max: number;
}

export interface RateLimit {
  /** Takes one; when there is none left, the seconds until there is. */
  take(subject: string): number;
  /** One that was taken did not count. */
  giveBack(subject: string): void;
  /** Seconds until there is one, without taking it; 0: now. */
  wait(subject: string): number;
}

/**
 * So many at once and so many per second, for each of many subjects. In memory: a limit is there to shed load, and each process
 * has its own to shed. Those that were not heard of for longest are forgotten.
 */
export function createRateLimit(
  { burst, refill_per_s, remembered_max }: RateLimitOptions,
  now_ms: () => number,
): RateLimit {
  const buckets = new Map<string, Bucket>();
  const tokensOf = (subject: string): number => {
    const known = buckets.get(subject);
    if (!known) return burst;
    // A clock that was set back must not take tokens away.
    const passed_s = Math.max(0, now_ms() - known.at_ms) / 1000;
    return Math.min(burst, known.tokens + passed_s * refill_per_s);
  };
  const wait = (tokens: number) => (tokens >= 1 ? 0 : (1 - tokens) / refill_per_s);
  return {
    take(subject) {
      const tokens = tokensOf(subject);
      const wait_s = wait(tokens);
      // Put in anew, so that the order of the map is that of last use.
      buckets.delete(subject);
      buckets.set(subject, { tokens: wait_s === 0 ? tokens - 1 : tokens, at_ms: now_ms() });
      if (buckets.size > remembered_max) {
        const [oldest] = buckets.keys();
        if (oldest !== undefined) buckets.delete(oldest);
      }
      return wait_s;
    },
    giveBack(subject) {
      const known = buckets.get(subject);
      if (known) known.tokens = Math.min(burst, known.tokens + 1);
    },
    wait: (subject) => wait(tokensOf(subject)),
  };
}

/** Too much at once; says when to come again. */
export class TooMany extends BulkheadError {
  readonly retry_after_s: number;

  constructor(what: string, retry_after_s: number) {
    const seconds = Math.max(1, Math.ceil(retry_after_s));
    super('TOO_MANY_REQUESTS', `${what}; come again in ${seconds} s`);
    this.retry_after_s = seconds;
  }
}
