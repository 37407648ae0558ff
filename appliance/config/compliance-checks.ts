import { REASON_MAX_CHARS, REASON_MIN_CHARS } from './limits.ts';

/**
 * Texts of the entries of compliance, each with what is wrong with it as the end of a sentence, or null. Whether there is such a control is not
 * asked: a control that a later release gives up must not make the whole file invalid.
 */
export const COMPLIANCE_CHECKS = {
  'bulkhead-control-id': (text: string) =>
    /^BH-[A-Z]{2}-\d{2}$/.test(text) ? null : 'is not the id of a control, such as BH-AC-01',
  'bulkhead-reason': (text: string) =>
    text.trim().length >= REASON_MIN_CHARS && text.length <= REASON_MAX_CHARS && !/\p{Cc}/u.test(text)
      ? null
      : `is not ${REASON_MIN_CHARS} to ${REASON_MAX_CHARS} characters on one line`,
  'bulkhead-day': (text: string) => (isDay(text) ? null : 'is not a day such as 2027-06-30'),
} as const;

function isDay(text: string): boolean {
  const at = /^\d{4}-\d{2}-\d{2}$/.test(text) ? new Date(`${text}T00:00:00Z`) : null;
  // Date takes 31 June for 1 July.
  return at !== null && !Number.isNaN(at.getTime()) && at.toISOString().startsWith(text);
}
