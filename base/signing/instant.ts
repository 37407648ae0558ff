import { Type as t } from '@sinclair/typebox';

/** RFC 3339 in UTC with whole seconds: one way to write an instant, so that equal times are equal texts. */
export const Instant = t.String({ pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\dZ$' });

/** Milliseconds since 1970, or undefined for what has the form but is no time (a 31st of June). */
export function parseInstant(text: string): number | undefined {
  const time_ms = Date.parse(text);
  return !Number.isNaN(time_ms) && formatInstant(time_ms) === text ? time_ms : undefined;
}

/** @param time_ms milliseconds since 1970; fractions of a second are cut off */
export function formatInstant(time_ms: number): string {
  return new Date(time_ms).toISOString().replace(/\.\d{3}Z$/, 'Z');
}
