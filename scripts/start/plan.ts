/** What `npm start` does with what it finds. Pure: every case is a line in plan.test.ts. */

/** The disk of an earlier start. */
export interface InstalledDisk {
  version: string;
  /** SHA-256 of the ISO that it was installed from. */
  iso_sha256: string;
}

/** A start that has not ended: its process and what it serves. */
export interface RunningStart {
  pid: number;
  /** Absent while it is still building or installing. */
  url?: string;
}

export interface Found {
  running: RunningStart | undefined;
  /** Absent when there is none or when its installation was not finished. */
  disk: InstalledDisk | undefined;
}

export type Plan =
  /** A machine is up: show it and leave it alone. */
  | { kind: 'show'; url: string; pid: number }
  | { kind: 'refuse'; code: string; reason: string; hint: string }
  | { kind: 'install' }
  | { kind: 'boot' };

export function planStart(found: Found, wishes: { fresh: boolean }): Plan {
  const { running } = found;
  if (running && (wishes.fresh || running.url === undefined)) {
    return {
      kind: 'refuse',
      code: 'START_ALREADY_RUNNING',
      reason: running.url
        ? `an appliance is running (process ${running.pid}, ${running.url})`
        : `another start is busy (process ${running.pid})`,
      hint: `end it with Ctrl-C in its terminal, or: kill ${running.pid}`,
    };
  }
  if (running?.url !== undefined) return { kind: 'show', url: running.url, pid: running.pid };
  return wishes.fresh || !found.disk ? { kind: 'install' } : { kind: 'boot' };
}

/** A sentence when the disk is not what would be installed today; undefined when it is. */
export function describeStaleDisk(disk: InstalledDisk, iso: InstalledDisk): string | undefined {
  if (disk.iso_sha256 === iso.iso_sha256) return undefined;
  const versions =
    disk.version === iso.version
      ? `an older build of ${disk.version}`
      : `${disk.version}, the ISO is ${iso.version} now`;
  return `the disk was installed from ${versions}; 'npm start -- --fresh' installs the new one`;
}

/**
 * What becomes of a disk that another image was installed on. Somebody who wants to look at an appliance may keep it; a check is
 * about what was built now, so it installs that, and where it may not touch the disk it fails instead of judging another image.
 */
export function planStaleDisk(
  stale: string | undefined,
  { check, running }: { check: boolean; running: boolean },
): 'keep' | 'install' | 'refuse' {
  if (stale === undefined || !check) return 'keep';
  return running ? 'refuse' : 'install';
}
