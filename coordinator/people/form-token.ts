import { timingSafeEqual } from 'node:crypto';
import { hashSecret } from './secrets.ts';

/**
 * Stands in every form that a session is shown. Whoever makes a form elsewhere cannot know it: it comes from the session's secret, which
 * no script and no other site can read, and does not give that away.
 */
export function formToken(session: string): string {
  return hashSecret(`form:${session}`);
}

export function isFormToken(session: string, given: string): boolean {
  const expected = Buffer.from(formToken(session));
  const actual = Buffer.from(given);
  return expected.length === actual.length && timingSafeEqual(expected, actual);
}
