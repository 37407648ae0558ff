import type { AnswerHead } from './answer.ts';
import { BACKOFF_FIRST_MS, BACKOFF_MAX_MS, RETRY_AFTER_MAX_MS } from './limits.ts';

/**
 * How long to wait before the next try: exponential with full jitter, so that a fleet that lost its server at one moment
 * does not come back at one moment.
 *
 * @param failures in a row so far; without any there is nothing to wait for
 * @param random 0 to 1
 */
export function backoff_ms(failures: number, random: number): number {
  if (failures < 1) return 0;
  return Math.round(random * Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** (failures - 1)));
}

/**
 * The pause that a server asks for (RFC 9110, section 10.2.3), at most RETRY_AFTER_MAX_MS; 0 when it asks for none.
 * A date is compared with the server's own Date, because the clock of an appliance may be wrong.
 */
export function retryAfter_ms(headers: AnswerHead['headers']): number {
  const text = headers['retry-after']?.trim() ?? '';
  const asked_ms = /^\d{1,9}$/.test(text)
    ? Number(text) * 1000
    : Date.parse(text) - Date.parse(headers['date'] ?? '');
  return Number.isNaN(asked_ms) ? 0 : Math.min(Math.max(asked_ms, 0), RETRY_AFTER_MAX_MS);
}
