/** A text as one word of a POSIX shell: QEMU hands what stands behind `exec:` to one, and a checkout may lie anywhere. */
export function shellQuoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
