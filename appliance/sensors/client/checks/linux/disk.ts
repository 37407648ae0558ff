import { readFileSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { type Check, listed, settingOf, type Verdict } from '../check.ts';
import { DISK_USED_MAX_PERCENT } from '../limits.ts';

/** How full one file system is, as `statfs(2)` counts. */
export interface Usage {
  mount: string;
  /** 0 to 100, of what a program without rights can use. */
  used_percent: number;
  /** 0 to 100; 0 where the file system counts none. */
  inodes_percent: number;
}

export const diskCheck: Check = {
  check_type: 'disk',
  look: async (context) => {
    const max_percent = settingOf(context, 'disk.used_max_percent', DISK_USED_MAX_PERCENT, {
      min: 1,
      max: 100,
    });
    const mounts = diskMounts(readFileSync(join(context.root, 'proc/self/mounts'), 'utf8'));
    return judgeDisks(
      mounts.flatMap((mount) => usageOf(context.root, mount) ?? []),
      max_percent,
    );
  },
};

/** Mount points of file systems that live on a disk and can be written, one of each device (proc_pid_mounts(5)). */
export function diskMounts(text: string): string[] {
  const devices = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [device = '', mount = '', type = '', options = ''] = line.split(' ');
    const writable = options.split(',').includes('rw');
    const onDisk = device.startsWith('/dev/') && !device.startsWith('/dev/loop') && type !== 'squashfs';
    if (writable && onDisk && !devices.has(device)) devices.set(device, plain(mount));
  }
  return [...devices.values()];
}

export function judgeDisks(usages: readonly Usage[], max_percent: number): Verdict {
  const full = usages.filter((usage) => Math.max(usage.used_percent, usage.inodes_percent) > max_percent);
  const fullest = usages.map(sentence);
  return {
    passed: full.length === 0,
    expected: `no file system is more than ${max_percent} % full`,
    actual: full.length > 0 ? listed(full.map(sentence)) : listed(fullest) || 'no file system on a disk',
    metadata: full[0] === undefined ? {} : { mount: full[0].mount },
  };
}

function sentence({ mount, used_percent, inodes_percent }: Usage): string {
  const files = inodes_percent > used_percent ? ` (${Math.round(inodes_percent)} % of its files)` : '';
  return `${mount} ${Math.round(used_percent)} %${files}`;
}

function usageOf(root: string, mount: string): Usage | undefined {
  try {
    const { blocks, bfree, bavail, files, ffree } = statfsSync(join(root, mount));
    const used = blocks - bfree;
    return {
      mount,
      // As df(1) counts: what is kept for root is neither used nor free.
      used_percent: used + bavail === 0 ? 0 : (100 * used) / (used + bavail),
      inodes_percent: files === 0 ? 0 : (100 * (files - ffree)) / files,
    };
  } catch {
    // Mounted behind a folder that cannot be entered: nobody fills that one by accident.
    return undefined;
  }
}

/** Spaces and the like stand as three octal digits. */
function plain(field: string): string {
  return field.replace(/\\([0-7]{3})/g, (_, code) => String.fromCharCode(Number.parseInt(code, 8)));
}
