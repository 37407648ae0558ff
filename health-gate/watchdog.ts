import { existsSync, readFileSync } from 'node:fs';

/** The first hardware watchdog as the kernel shows it (Documentation/ABI/testing/sysfs-class-watchdog). */
export interface Watchdog {
  present: boolean;
  identity: string | null;
  timeout_s: number | null;
  /** Counting down right now; null when the kernel does not say. */
  active: boolean | null;
}

/** @param sysFolder `/sys` */
export function readWatchdog(sysFolder: string): Watchdog {
  const folder = `${sysFolder}/class/watchdog/watchdog0`;
  const read = (name: string) => {
    try {
      return readFileSync(`${folder}/${name}`, 'utf8').trim();
    } catch {
      // Attributes depend on driver and kernel configuration; what is not told is not known.
      return null;
    }
  };
  const timeout_s = Number.parseInt(read('timeout') ?? '', 10);
  const state = read('state');
  return {
    present: existsSync(folder),
    identity: read('identity'),
    timeout_s: Number.isNaN(timeout_s) ? null : timeout_s,
    active: state === null ? null : state === 'active',
  };
}
