/**
 * A run of the target that is made from the base: `length` bytes at `at` of the target lie over those at `from` of the
 * base. They need not all be equal. What no copy covers is new. Offsets and lengths in bytes.
 */
export interface Copy {
  at: number;
  from: number;
  length: number;
}

/** How many bytes from `a[i]` and `b[j]` on are equal; at most `most`. */
export function equalRun(a: Uint8Array, i: number, b: Uint8Array, j: number, most: number): number {
  const end = Math.min(most, a.length - i, b.length - j);
  let run = 0;
  while (run < end && a[i + run] === b[j + run]) run += 1;
  return run;
}
