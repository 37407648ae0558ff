import { BulkheadError } from '../../../base/errors.ts';
import { ADDRESSES_MAX, BLOCK_MS, FAILURES_MAX, FAILURES_WINDOW_MS } from './limits.ts';

/** What is remembered of an address that failed. */
interface Failures {
  at_ms: number[];
  blocked_until_ms: number;
}

/** Does not listen to addresses that guess. In memory: after a restart three guesses are three guesses. */
export class AddressGuard {
  readonly #known = new Map<string, Failures>();

  /** @throws BulkheadError SENSOR_BLOCKED */
  assertOpen(address: string, now_ms: number): void {
    const { blocked_until_ms = 0 } = this.#known.get(addressKey(address)) ?? {};
    if (blocked_until_ms <= now_ms) return;
    const minutes = Math.ceil((blocked_until_ms - now_ms) / 60_000);
    throw new BulkheadError('SENSOR_BLOCKED', `${address} has failed too often and is not listened to`, {
      hint: `come again in ${minutes} minutes`,
    });
  }

  /** @returns whether the address is blocked from now on */
  failed(address: string, now_ms: number): boolean {
    const key = addressKey(address);
    const recent = (this.#known.get(key)?.at_ms ?? []).filter((at_ms) => now_ms - at_ms < FAILURES_WINDOW_MS);
    const at_ms = [...recent, now_ms];
    const blocked = at_ms.length >= FAILURES_MAX;
    this.#known.delete(key);
    this.#known.set(key, { at_ms: blocked ? [] : at_ms, blocked_until_ms: blocked ? now_ms + BLOCK_MS : 0 });
    const [oldest] = this.#known.keys();
    if (this.#known.size > ADDRESSES_MAX && oldest !== undefined) this.#known.delete(oldest);
    return blocked;
  }
}

/** One subscriber of IPv6 has 2^64 addresses, so the first half is what counts; an IPv4 address has one name. */
export function addressKey(address: string): string {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '');
  if (!plain.includes(':')) return plain;
  const [head = '', tail] = plain.toLowerCase().split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - left.length - right.length);
  const groups = [...left, ...Array.from({ length: zeros }, () => '0'), ...right];
  return `${groups
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, ''))
    .join(':')}::/64`;
}
