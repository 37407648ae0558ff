import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { BulkheadError, describeError } from '../../base/errors.ts';
import { partitionPath } from '../../partitions/layout.ts';
import { readGpt } from '../../partitions/layout-gpt.ts';
import { DATA_LABEL } from '../../partitions/layout-names.ts';
import { readRange } from './block-device.ts';
import { type InstallEffects, tool, tryTool } from './effects.ts';
import type { InstallJob } from './job.ts';
import { IDENTITY_MAX_BYTES, IDENTITY_MAX_FILES } from './limits.ts';
import { IDENTITY_NAME } from './paths.ts';

/** A file or folder of the identity, held in memory while the disk is made new. */
export interface IdentityFile {
  /** Relative to the identity folder; empty for the folder itself. */
  path: string;
  mode: number;
  userId: number;
  groupId: number;
  /** Null for a folder. */
  content: Uint8Array | null;
}

/**
 * Reads the identity from the data partition that the target has now. An unreadable one stops the installation: who asked
 * to keep an identity must not lose it silently.
 *
 * @returns null when the disk has no data partition or it holds no identity
 * @throws BulkheadError INSTALL_IDENTITY_UNREADABLE
 */
export async function readIdentity(job: InstallJob, effects: InstallEffects): Promise<IdentityFile[] | null> {
  const { sector_bytes } = job.layout;
  const table = await readGpt(
    (offset, size) => readRange(effects.open, job.path, 'read', offset, size),
    sector_bytes,
    1,
  );
  const data = table?.entries.find((entry) => entry.label === DATA_LABEL);
  if (!data) return null;
  const mountPoint = join(effects.workFolder, 'old-data');
  try {
    mkdirSync(mountPoint, { recursive: true });
    // Without noload: an appliance that lost power has its newest files in the journal only.
    await tool(effects, 'mount', [
      '-t',
      'ext4',
      '-o',
      'ro,nodev,nosuid,noexec',
      partitionPath(job.path, data.number),
      mountPoint,
    ]);
    try {
      const folder = join(mountPoint, IDENTITY_NAME);
      return existsSync(folder) ? collect(folder) : null;
    } finally {
      await tool(effects, 'umount', [mountPoint]);
    }
  } catch (cause) {
    throw new BulkheadError(
      'INSTALL_IDENTITY_UNREADABLE',
      `the identity on ${job.path} cannot be kept: ${describeError(cause)}`,
      { cause, hint: 'install without keep_identity to give the appliance a new identity' },
    );
  }
}

/** A mount left behind by an installer that was killed would make the disk look busy for ever. */
export async function releaseLeftovers(effects: InstallEffects): Promise<void> {
  const mountPoint = join(effects.workFolder, 'old-data');
  if (!existsSync(mountPoint)) return;
  // Not mounted is the usual case and no failure; a mount that stays shows up as "in use" when disks are listed.
  await tryTool(effects, 'umount', [mountPoint]);
}

/** Puts the identity into a folder with the owners and permissions it had. */
export function writeIdentity(files: readonly IdentityFile[], folder: string): void {
  for (const { path, mode, userId, groupId, content } of files) {
    const place = join(folder, path);
    if (content === null) mkdirSync(place);
    else writeFileSync(place, content);
    chownSync(place, userId, groupId);
    chmodSync(place, mode);
  }
}

function collect(folder: string): IdentityFile[] {
  const files: IdentityFile[] = [];
  let size_bytes = 0;
  const visit = (path: string): void => {
    const place = join(folder, path);
    const stat = lstatSync(place);
    if (!stat.isDirectory() && !stat.isFile()) throw new Error(`${path} is neither a file nor a folder`);
    size_bytes += stat.isFile() ? stat.size : 0;
    if (size_bytes > IDENTITY_MAX_BYTES || files.length >= IDENTITY_MAX_FILES) {
      throw new Error(`it is larger than ${IDENTITY_MAX_BYTES} bytes or ${IDENTITY_MAX_FILES} files`);
    }
    files.push({
      path,
      mode: stat.mode & 0o7777,
      userId: stat.uid,
      groupId: stat.gid,
      content: stat.isFile() ? readFileSync(place) : null,
    });
    if (stat.isDirectory()) for (const name of readdirSync(place).sort()) visit(join(path, name));
  };
  visit('');
  return files;
}
