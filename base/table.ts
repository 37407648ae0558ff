/**
 * Rows as a table for people: columns as wide as their longest cell, the last one as it is.
 *
 * @param head names of the columns
 */
export function formatTable(
  head: readonly string[],
  rows: readonly (readonly (string | number | null)[])[],
): string {
  if (rows.length === 0) return 'none';
  const cells = [head, ...rows.map((row) => row.map(cellOf))];
  const widths = head.map((_, column) => Math.max(...cells.map((row) => (row[column] ?? '').length)));
  return cells
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** What a device says of itself must not move the cursor of whoever reads it. */
function cellOf(value: string | number | null): string {
  return value === null ? '-' : String(value).replace(/\p{Cc}/gu, '?');
}

/** `2026-11-21 13:45`, UTC. */
export function formatTime(time_ms: unknown): string | null {
  return typeof time_ms === 'number' ? new Date(time_ms).toISOString().slice(0, 16).replace('T', ' ') : null;
}
