import { createRateLimit as create, type RateLimit, TooMany } from '../../base/rate-limit.ts';
import { RATES_REMEMBERED_MAX } from '../limits.ts';

export { type RateLimit, TooMany };

/** A rate limit that remembers as many keys and addresses as a coordinator has to do with. */
export function createRateLimit(
  rate: { burst: number; refill_per_s: number },
  now_ms: () => number,
): RateLimit {
  return create({ ...rate, remembered_max: RATES_REMEMBERED_MAX }, now_ms);
}
