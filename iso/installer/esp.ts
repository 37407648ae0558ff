import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { BulkheadError } from '../../base/errors.ts';
import { ESP_LABEL } from '../../partitions/layout-names.ts';
import { type InstallEffects, tool } from './effects.ts';
import { type InstallJob, partitionNode } from './job.ts';

/**
 * The EFI system partition, written and read with mtools: no mount, so the same code runs where the kernel has no vfat, and
 * a killed installer leaves nothing mounted.
 */

/** FAT32 whatever the size: firmware looks for that on a disk. One sector a cluster, so that the cluster count allows it. */
export async function formatEsp(job: InstallJob, effects: InstallEffects): Promise<void> {
  const sector = String(job.layout.sector_bytes);
  await tool(effects, 'mkfs.vfat', [
    '-F',
    '32',
    '-S',
    sector,
    '-s',
    '1',
    '-n',
    ESP_LABEL,
    partitionNode(job, 'esp'),
  ]);
}

/** Writes files and the folders they need, and returns when the device has them. */
export async function writeEspFiles(
  job: InstallJob,
  effects: InstallEffects,
  files: ReadonlyMap<string, Uint8Array>,
): Promise<void> {
  const node = partitionNode(job, 'esp');
  const scratch = scratchFolder(effects);
  const folders = new Set<string>();
  for (const [path, bytes] of files) {
    for (const folder of parentFolders(path)) {
      if (!folders.has(folder)) await ensureFolder(effects, node, folder);
      folders.add(folder);
    }
    const local = join(scratch, basename(path));
    writeFileSync(local, bytes);
    await tool(effects, 'mcopy', ['-i', node, '-o', local, `::${path}`]);
    rmSync(local);
  }
  await settle(effects, node);
}

/**
 * Reads the files back from the device and compares every byte.
 *
 * @throws BulkheadError INSTALL_READ_BACK_DIFFERS
 */
export async function compareEspFiles(
  job: InstallJob,
  effects: InstallEffects,
  files: ReadonlyMap<string, Uint8Array>,
): Promise<void> {
  const node = partitionNode(job, 'esp');
  await settle(effects, node);
  for (const [path, bytes] of files) {
    if (Buffer.from(bytes).equals(await readEspFile(effects, node, path))) continue;
    throw new BulkheadError(
      'INSTALL_READ_BACK_DIFFERS',
      `${path} on ${node} does not hold what was written`,
      {
        hint: 'the disk is failing: replace it',
      },
    );
  }
}

/** @throws BulkheadError COMMAND_FAILED when the file or the file system is not there */
export async function readEspFile(
  effects: Pick<InstallEffects, 'run' | 'workFolder'>,
  node: string,
  path: string,
): Promise<Uint8Array> {
  const local = join(scratchFolder(effects), `read-${basename(path)}`);
  rmSync(local, { force: true });
  await tool(effects, 'mcopy', ['-i', node, '-n', `::${path}`, local]);
  const bytes = readFileSync(local);
  rmSync(local);
  return bytes;
}

/** Names in a folder of a FAT volume, with a trailing `/` for folders. */
export async function listFatFolder(
  effects: Pick<InstallEffects, 'run'>,
  volume: string,
  folder: string,
): Promise<string[]> {
  const listing = await tool(effects, 'mdir', ['-b', '-i', volume, `::${folder}`]);
  return listing
    .split('\n')
    .map((line) => line.trim().replace(/^::/, ''))
    .filter((line) => line !== '')
    .map((line) => line.slice(folder === '/' ? 1 : folder.length + 1));
}

/** Device flush, then drop what the kernel remembers of the partition, so that the next read asks the device. */
export async function settle(effects: InstallEffects, node: string): Promise<void> {
  const device = effects.open(node, 'write');
  try {
    await device.flush();
  } finally {
    await device.close();
  }
  await tool(effects, 'blockdev', ['--flushbufs', node]);
}

async function ensureFolder(effects: InstallEffects, node: string, folder: string): Promise<void> {
  const parent = dirname(folder);
  const names = await listFatFolder(effects, node, parent);
  if (!names.includes(`${basename(folder)}/`)) await tool(effects, 'mmd', ['-i', node, `::${folder}`]);
}

function parentFolders(path: string): string[] {
  const parts = dirname(path)
    .split('/')
    .slice(1)
    .filter((part) => part !== '');
  return parts.map((_, index) => `/${parts.slice(0, index + 1).join('/')}`);
}

function scratchFolder(effects: Pick<InstallEffects, 'workFolder'>): string {
  const folder = join(effects.workFolder, 'files');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return folder;
}
