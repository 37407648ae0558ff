import type { RootSight } from './root-sight.ts';

export type Mount = NonNullable<RootSight['mounts']>[number];

/** proc_pid_mountinfo(5); the last mount of a path is the one that is seen. */
export function parseMounts(mountinfo: string): Mount[] {
  const seen = new Map<string, Mount>();
  for (const line of mountinfo.split('\n')) {
    const [before, after] = line.split(' - ', 2);
    const [, , , , path, options] = before?.split(' ') ?? [];
    const [type, source, superOptions] = after?.split(' ') ?? [];
    if (path === undefined || options === undefined || type === undefined || source === undefined) continue;
    const all = new Set([...options.split(','), ...(superOptions ?? '').split(',')]);
    all.delete('');
    // A file system that is writable is still read-only where it is mounted so.
    if (all.has('ro')) all.delete('rw');
    seen.set(unescape_(path), {
      path: unescape_(path),
      source: unescape_(source),
      type,
      options: [...all].sort(),
    });
  }
  return [...seen.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** Blanks and backslashes of paths stand as three octal digits. */
function unescape_(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}
