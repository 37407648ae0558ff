import { readFile } from 'node:fs/promises';

/** One line of /proc/<pid>/mountinfo (proc_pid_mountinfo(5)). */
export interface Mount {
  /** `major:minor` of the mounted device; the only name that no symbolic link can blur. */
  device: string;
  mountPoint: string;
  fileSystem: string;
  source: string;
  /** True when either the mount or the file system underneath is read-only (ext4 turns itself so after an error). */
  readOnly: boolean;
}

/** The mount that is visible at `mountPoint`: the last one, later mounts cover earlier ones. */
export async function findMount(procFolder: string, mountPoint: string): Promise<Mount | undefined> {
  return parseMountInfo(await readFile(`${procFolder}/self/mountinfo`, 'utf8')).findLast(
    (mount) => mount.mountPoint === mountPoint,
  );
}

export function parseMountInfo(text: string): Mount[] {
  const mounts: Mount[] = [];
  for (const line of text.split('\n')) {
    // id parent major:minor root mount-point options optional… - type source super-options
    const [before, after] = line.split(' - ', 2);
    const [, , device, , mountPoint, options] = before?.split(' ') ?? [];
    const [fileSystem, source, superOptions] = after?.split(' ') ?? [];
    if (!device || !mountPoint || !options || !fileSystem || !source || !superOptions) continue;
    const has = (list: string, option: string) => list.split(',').includes(option);
    mounts.push({
      device,
      mountPoint: unescapeOctal(mountPoint),
      fileSystem,
      source: unescapeOctal(source),
      readOnly: has(options, 'ro') || has(superOptions, 'ro'),
    });
  }
  return mounts;
}

/** The kernel writes space, tab, newline and backslash as `\040` and so on. */
function unescapeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}

/** `major:minor` of a device number as stat(2) gives it (gnu_dev_major and gnu_dev_minor of glibc). */
export function deviceNumber(rdev: number | bigint): string {
  const value = BigInt(rdev);
  const major = ((value >> 8n) & 0xfffn) | ((value >> 32n) & 0xfffff000n);
  const minor = (value & 0xffn) | ((value >> 12n) & 0xffffff00n);
  return `${major}:${minor}`;
}
