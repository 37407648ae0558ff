import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { KernelRoots } from './disks.ts';

/**
 * Which disk lies under what is mounted. The medium the system runs from is known by this and by nothing else: its
 * removable flag, its size and its name all lie. A mount may rest on a loop device whose file lies on another mount,
 * or on a mapped device with several disks below, so both are followed down.
 */

interface Mount {
  /** `major:minor`; `0:n` for file systems without a device. */
  device: string;
  mountPoint: string;
  source: string;
}

/** Loop on squashfs on loop on ISO is four; more than this is a cycle that the kernel would not allow. */
const DEPTH_MAX = 16;

/** Mount points (or `swap`) by the kernel name of the whole disk they rest on. */
export function diskUses(diskNames: readonly string[], roots: KernelRoots): Map<string, string[]> {
  const owners = deviceOwners(diskNames, roots);
  const mounts = parseMountInfo(readOrEmpty(join(roots.proc, 'self/mountinfo')));
  const uses = new Map<string, string[]>();
  const note = (name: string, use: string) => {
    const known = uses.get(name) ?? [];
    if (!known.includes(use)) uses.set(name, [...known, use]);
  };

  const follow = (name: string, use: string, depth: number): void => {
    if (depth > DEPTH_MAX) return;
    note(name, use);
    for (const below of entries(join(roots.sys, 'block', name, 'slaves'))) {
      follow(owners.byName.get(below) ?? below, use, depth + 1);
    }
    const file = readOrEmpty(join(roots.sys, 'block', name, 'loop/backing_file')).trim();
    const carrier = file === '' ? undefined : mountOf(file, mounts);
    const disk = carrier && owners.diskOf(carrier);
    if (disk) follow(disk, use, depth + 1);
  };

  for (const mount of mounts) {
    const disk = owners.diskOf(mount);
    if (disk) follow(disk, mount.mountPoint, 0);
  }
  for (const line of readOrEmpty(join(roots.proc, 'swaps')).split('\n').slice(1)) {
    const disk = owners.byName.get(basename(line.split(/\s/)[0] ?? ''));
    if (disk) follow(disk, 'swap', 0);
  }
  return uses;
}

/** Every whole disk and partition, by name and by device number, with the whole disk it belongs to. */
function deviceOwners(diskNames: readonly string[], roots: KernelRoots) {
  const byName = new Map<string, string>();
  const byNumber = new Map<string, string>();
  for (const disk of diskNames) {
    const folder = join(roots.sys, 'block', disk);
    const parts = entries(folder).filter((entry) => entry.startsWith(disk));
    for (const name of [disk, ...parts]) {
      const number = readOrEmpty(join(folder, name === disk ? '.' : name, 'dev')).trim();
      if (number === '') continue;
      byName.set(name, disk);
      byNumber.set(number, disk);
    }
  }
  const diskOf = (mount: Mount) =>
    // btrfs and overlays have no device number of their own; where they name a device, that counts.
    byNumber.get(mount.device) ??
    (mount.source.startsWith('/dev/') ? byName.get(basename(mount.source)) : undefined);
  return { byName, diskOf };
}

/** Format: proc_pid_mountinfo(5). Spaces in names are written as octal escapes. */
function parseMountInfo(text: string): Mount[] {
  return text.split('\n').flatMap((line) => {
    const fields = line.split(' ');
    const [device, mountPoint] = [fields[2], fields[4]];
    const source = fields[fields.indexOf('-') + 2];
    if (device === undefined || mountPoint === undefined || source === undefined) return [];
    return [{ device, mountPoint: unescapeOctal(mountPoint), source: unescapeOctal(source) }];
  });
}

/** The mount a path lies on: the longest mount point in front of it; of several at one place the last one counts. */
function mountOf(path: string, mounts: readonly Mount[]): Mount | undefined {
  let best: Mount | undefined;
  for (const mount of mounts) {
    const prefix = mount.mountPoint === '/' ? '/' : `${mount.mountPoint}/`;
    if (path.startsWith(prefix) && mount.mountPoint.length >= (best?.mountPoint.length ?? 0)) best = mount;
  }
  return best;
}

function unescapeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // Not a loop device, no swap, no such partition: nothing there to follow.
    return '';
  }
}

function entries(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}
