import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statfsSync,
  statSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { fsyncFolder } from '../../base/atomic-file.ts';
import { BulkheadError, describeError } from '../../base/errors.ts';
import { type Run, runOrThrow } from '../../base/run.ts';
import { formatBytes } from '../../base/text.ts';
import { findReadOnly } from '../facts/data-disk.ts';
import type { Owner } from '../identity/owner.ts';
import { STORE_LEAVES_BYTES, STORE_TOOL_TIMEOUT_MS } from './limits.ts';

/**
 * A place where a service without privileges can keep things, and which it cannot outgrow: a file of fixed size on the data
 * partition, all of it allocated, with a file system of its own in it (docs/decisions/0012).
 */
export interface ServiceStore {
  /** The file, root's alone. */
  image: string;
  mountPoint: string;
  size_bytes: number;
  /** Of the file system, 16 characters at most (mke2fs(8)). */
  label: string;
  /** The service's user. */
  owner: Owner;
  /** What becomes of a file that no tool can mend: removed, or put aside once as `….damaged` because it is worth a person's look. */
  whenDamaged: 'remove' | 'put_aside';
  run: Run;
  /** Instead of STORE_LEAVES_BYTES. */
  leaves_bytes?: number;
}

export interface ServiceStoreOutcome {
  /** mounted: it was there already; anew: it could not be used, and what was in it is lost or put aside. */
  how: 'mounted' | 'kept' | 'repaired' | 'made' | 'anew';
  /** Why it was repaired or made anew. */
  reason: string | null;
}

/**
 * Mounts a service's place, making or repairing it where that is needed. After an interruption at any point it can be called again.
 *
 * @throws BulkheadError STORE_NO_ROOM, and COMMAND_* when it cannot be made or mounted; the service then keeps nothing
 */
export async function mountServiceStore(store: ServiceStore): Promise<ServiceStoreOutcome> {
  const { image, mountPoint } = store;
  if (findReadOnly(readFileSync('/proc/self/mountinfo', 'utf8'), mountPoint) !== null)
    return { how: 'mounted', reason: null };
  mkdirSync(mountPoint, { recursive: true });
  // What an interruption left.
  rmSync(`${image}.new`, { force: true });
  const found = await checkImage(store);
  if (found.usable) {
    try {
      await mount(store);
      return { how: found.reason === null ? 'kept' : 'repaired', reason: found.reason };
    } catch (error) {
      found.reason = describeError(error);
    }
  }
  const wasThere = existsSync(image);
  await makeImage(store);
  await mount(store);
  return { how: wasThere ? 'anew' : 'made', reason: wasThere ? found.reason : null };
}

/** Whether the file is a whole file system of the right size, after what e2fsck could mend; a reason for whatever was wrong. */
async function checkImage(store: ServiceStore): Promise<{ usable: boolean; reason: string | null }> {
  const { image, run, size_bytes } = store;
  const stat = statSync(image, { throwIfNoEntry: false });
  if (!stat) return { usable: false, reason: null };
  if (!stat.isFile() || stat.size !== size_bytes)
    return { usable: false, reason: `${image} is no file of ${formatBytes(size_bytes)}` };
  let reason: string | null = null;
  for (const how of ['-p', '-y']) {
    const timeout_ms = STORE_TOOL_TIMEOUT_MS;
    // Below 4: whole, or mended (e2fsck(8)). What -p does not dare -y does.
    const { code, stdout, stderr } = await run('e2fsck', [how, image], { timeout_ms });
    if (code !== null && code < 4) return { usable: true, reason };
    reason = `e2fsck ${how} ended with ${code}: ${(stderr.trim() || stdout.trim()).slice(-500)}`;
  }
  return { usable: false, reason };
}

async function makeImage(store: ServiceStore): Promise<void> {
  const { image, owner, run, size_bytes, label, whenDamaged } = store;
  const { leaves_bytes = STORE_LEAVES_BYTES } = store;
  const made = `${image}.new`;
  // Put aside once: the second time there is one to look at already.
  if (whenDamaged === 'put_aside' && existsSync(image) && !existsSync(`${image}.damaged`))
    renameSync(image, `${image}.damaged`);
  // It is of no use any more, and its room is needed.
  else rmSync(image, { recursive: true, force: true });
  const { bavail, bsize } = statfsSync(dirname(image));
  if (bavail * bsize < size_bytes + leaves_bytes)
    throw new BulkheadError(
      'STORE_NO_ROOM',
      `${formatBytes(bavail * bsize)} are free on the data partition; ${image} takes ${formatBytes(size_bytes)}`,
      { hint: `it is made when ${formatBytes(leaves_bytes)} are left for everything else` },
    );
  await allocate(run, made, size_bytes);
  const settings = `nodiscard,lazy_itable_init=0,lazy_journal_init=0,root_owner=${owner.uid}:${owner.gid}`;
  await runOrThrow(
    run,
    'mkfs.ext4',
    [
      ...['-q', '-F', '-b', '4096', '-i', '16384', '-m', '0', '-L', label],
      ...['-O', 'metadata_csum', '-E', settings, made],
    ],
    { timeout_ms: STORE_TOOL_TIMEOUT_MS },
  );
  syncFile(made);
  renameSync(made, image);
  fsyncFolder(dirname(image));
}

/** Every block allocated at once: a file with holes would run out of room when the partition does. */
async function allocate(run: Run, path: string, size_bytes: number): Promise<void> {
  closeSync(openSync(path, 'w', 0o600));
  await runOrThrow(run, 'fallocate', ['--length', String(size_bytes), path], {
    timeout_ms: STORE_TOOL_TIMEOUT_MS,
  });
}

function syncFile(path: string): void {
  const file = openSync(path, 'r+');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

async function mount({ image, mountPoint, run }: ServiceStore): Promise<void> {
  const options = 'loop,nodev,nosuid,noexec,noatime,errors=remount-ro';
  await runOrThrow(run, 'mount', ['-t', 'ext4', '-o', options, image, mountPoint], {
    timeout_ms: STORE_TOOL_TIMEOUT_MS,
  });
}
