import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BulkheadError } from '../../base/errors.ts';
import { DATA_LABEL } from '../../partitions/layout-names.ts';
import { readRange } from './block-device.ts';
import { type InstallEffects, tool } from './effects.ts';
import { settle } from './esp.ts';
import { type IdentityFile, writeIdentity } from './identity.ts';
import { type InstallJob, partitionNode } from './job.ts';
import { DATA_TOOL_TIMEOUT_MS } from './limits.ts';
import { CONFIG_NAME, IDENTITY_NAME, RECORD_NAME } from './paths.ts';

/**
 * Makes the ext4 file system and its first files in one go (`mkfs.ext4 -d`), so nothing has to be mounted. Inode tables and
 * journal are initialised by the kernel later: on a large disk that is minutes. No discard: some eMMC take as long for it.
 *
 * @param record content of RECORD_NAME
 */
export async function makeDataPartition(
  job: InstallJob,
  effects: InstallEffects,
  record: string,
  identity: readonly IdentityFile[],
): Promise<void> {
  const folder = join(effects.workFolder, 'data');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  try {
    // Whatever the umask: the agent's user has to get in.
    chmodSync(folder, 0o755);
    writeFileSync(join(folder, RECORD_NAME), record);
    chmodSync(join(folder, RECORD_NAME), 0o644);
    // It may hold a passphrase. `bulkhead setup` lets the agent read it on every boot.
    if (job.config) writeFileSync(join(folder, CONFIG_NAME), job.config.text, { mode: 0o600 });
    writeIdentity(identity, join(folder, IDENTITY_NAME));
    const node = partitionNode(job, 'data');
    await tool(
      effects,
      'mkfs.ext4',
      [
        '-q',
        '-F',
        '-L',
        DATA_LABEL,
        '-b',
        '4096',
        '-m',
        '1',
        '-O',
        'metadata_csum',
        '-E',
        'lazy_itable_init=1,lazy_journal_init=1,nodiscard',
        '-d',
        folder,
        node,
      ],
      { timeout_ms: DATA_TOOL_TIMEOUT_MS },
    );
    await settle(effects, node);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Where the superblock lies and its fields: Documentation/filesystems/ext4/super.rst of Linux. */
const SUPERBLOCK_OFFSET_BYTES = 1024;
const MAGIC_OFFSET_BYTES = SUPERBLOCK_OFFSET_BYTES + 0x38;
const LABEL_OFFSET_BYTES = SUPERBLOCK_OFFSET_BYTES + 0x78;
const LABEL_BYTES = 16;

/**
 * Checks the file system from the device: label, consistency, and the files by every byte.
 *
 * @throws BulkheadError INSTALL_READ_BACK_DIFFERS, COMMAND_FAILED
 */
export async function checkDataPartition(
  job: InstallJob,
  effects: InstallEffects,
  record: string,
  identity: readonly IdentityFile[],
): Promise<void> {
  const node = partitionNode(job, 'data');
  const differ = (what: string) =>
    new BulkheadError('INSTALL_READ_BACK_DIFFERS', `${node}: ${what}`, {
      hint: 'the disk is failing: replace it',
    });
  const start = await readRange(effects.open, node, 'read', 0, 4096);
  const label = new TextDecoder('latin1').decode(
    start.subarray(LABEL_OFFSET_BYTES, LABEL_OFFSET_BYTES + LABEL_BYTES),
  );
  if (start[MAGIC_OFFSET_BYTES] !== 0x53 || start[MAGIC_OFFSET_BYTES + 1] !== 0xef) {
    throw differ('the disk holds no ext4 file system there');
  }
  if (label.replace(/\0.*$/s, '') !== DATA_LABEL) throw differ(`the file system is labelled '${label}'`);
  await tool(effects, 'e2fsck', ['-f', '-n', node], { timeout_ms: DATA_TOOL_TIMEOUT_MS });

  const files = new Map<string, Uint8Array>([[`/${RECORD_NAME}`, Buffer.from(record)]]);
  if (job.config) files.set(`/${CONFIG_NAME}`, Buffer.from(job.config.text));
  for (const { path, content } of identity) if (content) files.set(`/${IDENTITY_NAME}/${path}`, content);
  for (const [path, bytes] of files) {
    if (!(await readExtFile(effects, node, path)).equals(bytes))
      throw differ(`${path} is not what was written`);
  }
}

/** A file of an ext4 that is not mounted. Empty when it is not there: debugfs reports errors as text alone. */
async function readExtFile(effects: InstallEffects, node: string, path: string): Promise<Buffer> {
  const local = join(effects.workFolder, 'read-ext4');
  writeFileSync(local, '', { mode: 0o600 });
  try {
    await tool(effects, 'debugfs', ['-R', `dump "${path}" "${local}"`, node]);
    return readFileSync(local);
  } finally {
    rmSync(local, { force: true });
  }
}
