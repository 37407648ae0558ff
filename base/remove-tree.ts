import { readFileSync, realpathSync, rmSync } from 'node:fs';
import { BulkheadError } from './errors.ts';
import { type Run, runOrThrow } from './run.ts';

/**
 * Removes a folder in which another program may have left mounts: a killed mmdebstrap leaves /proc, /sys and /dev of this very
 * machine below its target, and removing those would remove its devices. They are unmounted first, and where one stays,
 * nothing is removed.
 *
 * @throws BulkheadError TREE_STILL_MOUNTED, COMMAND_FAILED
 */
export async function removeTree(run: Run, path: string): Promise<void> {
  let real: string;
  try {
    real = realpathSync(path);
  } catch {
    // Nothing there: nothing to remove.
    return;
  }
  for (const mount of mountsBelow(real)) await runOrThrow(run, 'umount', ['--lazy', mount]);
  const [left] = mountsBelow(real);
  if (left !== undefined) {
    throw new BulkheadError('TREE_STILL_MOUNTED', `${path} is not removed: ${left} is still mounted`, {
      hint: `umount ${left}`,
    });
  }
  rmSync(real, { recursive: true, force: true });
}

/** Mount points at or below a folder, deepest first. Source: proc_pid_mountinfo(5), field 5, octal escapes. */
export function mountsBelow(real: string, mountinfo = '/proc/self/mountinfo'): string[] {
  return readFileSync(mountinfo, 'utf8')
    .split('\n')
    .flatMap((line) => line.split(' ')[4] ?? [])
    .map((field) =>
      field.replace(/\\([0-7]{3})/g, (_, code) => String.fromCharCode(Number.parseInt(code, 8))),
    )
    .filter((mount) => mount === real || mount.startsWith(`${real}/`))
    .reverse();
}
