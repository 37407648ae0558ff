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
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { fsyncFolder } from '../../base/atomic-file.ts';
import { BulkheadError, describeError } from '../../base/errors.ts';
import { type Run, runOrThrow } from '../../base/run.ts';
import { formatBytes } from '../../base/text.ts';
import { findReadOnly } from '../facts/data-disk.ts';
import type { Owner } from '../identity/owner.ts';
import { AGENT_IMAGE_BYTES, AGENT_IMAGE_LEAVES_BYTES, AGENT_STORE_TOOL_TIMEOUT_MS } from './limits.ts';

/**
 * A place where the agent can keep things, and which it cannot outgrow: a file of fixed size on the data partition, all of it
 * allocated, with a file system of its own in it (docs/decisions/0012).
 */
export interface AgentStore {
  /** The file, root's alone. */
  image: string;
  mountPoint: string;
  /** The agent's user. */
  owner: Owner;
  run: Run;
  /** Instead of AGENT_IMAGE_BYTES and AGENT_IMAGE_LEAVES_BYTES. */
  size_bytes?: number;
  leaves_bytes?: number;
}

export interface AgentStoreOutcome {
  /** mounted: it was there already; anew: it could not be used, and what was in it is lost. */
  how: 'mounted' | 'kept' | 'repaired' | 'made' | 'anew';
  /** Why it was repaired or made anew. */
  reason: string | null;
}

/**
 * Mounts the agent's place, making or repairing it where that is needed. After an interruption at any point it can be called again.
 *
 * @throws BulkheadError AGENT_STORE_NO_ROOM, and COMMAND_* when it cannot be made or mounted; the agent then keeps nothing
 */
export async function mountAgentStore(store: AgentStore): Promise<AgentStoreOutcome> {
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
async function checkImage(store: AgentStore): Promise<{ usable: boolean; reason: string | null }> {
  const { image, run, size_bytes = AGENT_IMAGE_BYTES } = store;
  const stat = statSync(image, { throwIfNoEntry: false });
  if (!stat) return { usable: false, reason: null };
  if (!stat.isFile() || stat.size !== size_bytes)
    return { usable: false, reason: `${image} is no file of ${formatBytes(size_bytes)}` };
  let reason: string | null = null;
  for (const how of ['-p', '-y']) {
    const timeout_ms = AGENT_STORE_TOOL_TIMEOUT_MS;
    // Below 4: whole, or mended (e2fsck(8)). What -p does not dare -y does.
    const { code, stdout, stderr } = await run('e2fsck', [how, image], { timeout_ms });
    if (code !== null && code < 4) return { usable: true, reason };
    reason = `e2fsck ${how} ended with ${code}: ${(stderr.trim() || stdout.trim()).slice(-500)}`;
  }
  return { usable: false, reason };
}

async function makeImage(store: AgentStore): Promise<void> {
  const { image, owner, run, size_bytes = AGENT_IMAGE_BYTES } = store;
  const { leaves_bytes = AGENT_IMAGE_LEAVES_BYTES } = store;
  const made = `${image}.new`;
  // It is of no use any more, and its room is needed.
  rmSync(image, { recursive: true, force: true });
  const { bavail, bsize } = statfsSync(dirname(image));
  if (bavail * bsize < size_bytes + leaves_bytes)
    throw new BulkheadError(
      'AGENT_STORE_NO_ROOM',
      `${formatBytes(bavail * bsize)} are free on the data partition; the agent's place takes ${formatBytes(size_bytes)}`,
      { hint: `it is made when ${formatBytes(leaves_bytes)} are left for everything else` },
    );
  writeZeros(made, size_bytes);
  const settings = `nodiscard,lazy_itable_init=0,lazy_journal_init=0,root_owner=${owner.uid}:${owner.gid}`;
  await runOrThrow(
    run,
    'mkfs.ext4',
    [
      ...['-q', '-F', '-b', '4096', '-i', '16384', '-m', '0', '-L', 'BULKHEAD-AGENT'],
      ...['-O', 'metadata_csum', '-E', settings, made],
    ],
    { timeout_ms: AGENT_STORE_TOOL_TIMEOUT_MS },
  );
  syncFile(made);
  renameSync(made, image);
  fsyncFolder(dirname(image));
}

/** Every block written once: a file with holes would run out of room when the partition does. */
function writeZeros(path: string, size_bytes: number): void {
  const file = openSync(path, 'w', 0o600);
  try {
    const zeros = new Uint8Array(1024 * 1024);
    for (let at = 0; at < size_bytes; )
      at += writeSync(file, zeros, 0, Math.min(zeros.length, size_bytes - at));
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

function syncFile(path: string): void {
  const file = openSync(path, 'r+');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

async function mount({ image, mountPoint, run }: AgentStore): Promise<void> {
  const options = 'loop,nodev,nosuid,noexec,noatime,errors=remount-ro';
  await runOrThrow(run, 'mount', ['-t', 'ext4', '-o', options, image, mountPoint], {
    timeout_ms: AGENT_STORE_TOOL_TIMEOUT_MS,
  });
}
