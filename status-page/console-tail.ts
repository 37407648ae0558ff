/**
 * Shares so many bytes among consoles: the first gets what it needs, later ones what is left. Of each the last lines are
 * kept, because what a machine says before it goes down is what matters.
 *
 * @param cost_bytes what one line takes where it is going to stand
 */
export function shareTails(
  consoles: readonly (readonly string[])[],
  budget_bytes: number,
  cost_bytes: (line: string) => number,
): string[][] {
  let left_bytes = budget_bytes;
  return consoles.map((lines) => {
    let start = lines.length;
    for (; start > 0; start -= 1) {
      const next_bytes = cost_bytes(lines[start - 1] ?? '');
      if (next_bytes > left_bytes) break;
      left_bytes -= next_bytes;
    }
    return lines.slice(start);
  });
}
