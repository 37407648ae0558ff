import type { Detection } from './detection.ts';

/** Hex digits of an event's id: 128 bits of SHA-256. */
export const EVENT_ID_DIGITS = 32;

/**
 * The id of a detection: SHA-256 over all it says. The same one sent twice has the same id; two that differ in anything, be it an
 * `event_id` or a counter in their metadata, are two.
 */
export function eventIdOf(detection: Detection): string {
  const { subject, hostname, check_type, passed, expected, actual, control, severity, at_s } = detection;
  const metadata = Object.entries(detection.metadata).sort(([a], [b]) => (a < b ? -1 : 1));
  // A list in JSON has one reading only: no text can look like the border between two.
  const text = JSON.stringify([
    ...[subject, hostname, check_type, passed, expected, actual, control, severity, at_s],
    metadata,
  ]);
  const hash = new Bun.CryptoHasher('sha256').update(text).digest('hex');
  return `e-${hash.slice(0, EVENT_ID_DIGITS)}`;
}
