/** `2026-11-23 10:00Z`: to the minute, for people. */
export function describeInstant(at_ms: number): string {
  return `${new Date(at_ms).toISOString().slice(0, 16).replace('T', ' ')}Z`;
}
