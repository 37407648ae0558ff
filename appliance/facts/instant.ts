/** RFC 3339 as the schema of the page demands; one odd date in a file must not invalidate the whole status. */
export function instantOrNull(text: string | null): string | null {
  const date = text === null ? Number.NaN : Date.parse(text);
  return Number.isNaN(date) ? null : new Date(date).toISOString();
}
