import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Run } from '../../base/run.ts';

/**
 * A `Run` whose programs come from the locked tool tree instead of from this machine, so that every machine
 * makes the same bytes. The shared folder appears inside at its own path; mounts end with the command.
 *
 * @param root   the tool tree
 * @param shared absolute folder that inputs and outputs lie in
 */
export function toolRunner(run: Run, root: string, shared: string, epoch_s: number): Run {
  mkdirSync(join(root, shared), { recursive: true });
  const enter =
    'mount --rbind "$1" "$0$1" && mount -t proc proc "$0/proc" && mount --bind /dev "$0/dev" && root=$0 && shift && exec chroot "$root" "$@"';
  return (program, args, options = {}) =>
    run(
      'unshare',
      ['--mount', '--propagation', 'private', 'sh', '-c', enter, root, shared, program, ...args],
      {
        ...options,
        env: { SOURCE_DATE_EPOCH: String(epoch_s), LC_ALL: 'C.UTF-8', TZ: 'UTC', ...options.env },
      },
    );
}
