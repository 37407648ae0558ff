import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BulkheadError } from '../../../base/errors.ts';
import { run, runOrThrow } from '../../../base/run.ts';
import { diskSize_bytes, extractRange, putRange } from './disk.ts';
import { findPartition, GPT_HEAD_BYTES, type GptPartition, parseGpt, SECTOR_BYTES } from './gpt.ts';
import { DISK_TOOL_TIMEOUT_MS } from './limits.ts';
import type { DiskFile } from './options.ts';

/** Looking at a disk and changing it while its machine is off. Works alike on raw files and overlays. */

/** @throws BulkheadError GPT_INVALID */
export async function readPartitions(disk: DiskFile): Promise<GptPartition[]> {
  return parseGpt(await readRange(disk, 0, GPT_HEAD_BYTES));
}

/** Bytes of a partition. @throws BulkheadError PARTITION_MISSING, PARTITION_RANGE */
export async function readPartition(
  disk: DiskFile,
  label: string,
  offset_bytes: number,
  size_bytes: number,
): Promise<Uint8Array> {
  const partition = findPartition(await readPartitions(disk), label);
  checkRange(partition, offset_bytes, size_bytes);
  return readRange(disk, partition.offset_bytes + offset_bytes, size_bytes);
}

/** Overwrites bytes of a partition. @throws BulkheadError PARTITION_MISSING, PARTITION_RANGE */
export async function writePartition(
  disk: DiskFile,
  label: string,
  offset_bytes: number,
  bytes: Uint8Array,
): Promise<void> {
  const partition = findPartition(await readPartitions(disk), label);
  checkRange(partition, offset_bytes, bytes.length);
  const start = partition.offset_bytes + offset_bytes;
  const window = windowAround(start, bytes.length);
  await inTemporaryFile(async (file) => {
    await extractRange(disk, window.offset_bytes, window.size_bytes, file);
    const content = readFileSync(file);
    content.set(bytes, start - window.offset_bytes);
    writeFileSync(file, content);
    await putRange(disk, window.offset_bytes, file);
  });
}

/** Turns every bit of one byte over: the smallest damage there is, and never the same value again. */
export async function corruptByte(disk: DiskFile, label: string, offset_bytes: number): Promise<void> {
  const [byte = 0] = await readPartition(disk, label, offset_bytes, 1);
  await writePartition(disk, label, offset_bytes, Uint8Array.of(byte ^ 0xff));
}

/** Bytes of the disk, wherever they lie. */
export async function readRange(
  disk: DiskFile,
  offset_bytes: number,
  size_bytes: number,
): Promise<Uint8Array> {
  const size = await diskSize_bytes(disk);
  if (offset_bytes < 0 || offset_bytes + size_bytes > size) {
    throw new BulkheadError(
      'PARTITION_RANGE',
      `${size_bytes} bytes at ${offset_bytes} lie outside a disk of ${size}`,
    );
  }
  const window = windowAround(offset_bytes, size_bytes);
  return inTemporaryFile(async (file) => {
    await extractRange(disk, window.offset_bytes, window.size_bytes, file);
    const start = offset_bytes - window.offset_bytes;
    return new Uint8Array(readFileSync(file).subarray(start, start + size_bytes));
  });
}

/** A file of a FAT partition; undefined when it is not there. Paths as on the mounted ESP: `/ab_state`. */
export async function readFatFile(
  disk: DiskFile,
  label: string,
  path: string,
): Promise<Uint8Array | undefined> {
  return withPartition(disk, label, 'read', async (image) => {
    const found = await run('mdir', ['-b', '-i', image, `::${path}`], { timeout_ms: DISK_TOOL_TIMEOUT_MS });
    if (found.code !== 0) return undefined;
    return inTemporaryFile(async (file) => {
      await tool('mcopy', '-n', '-i', image, `::${path}`, file);
      return new Uint8Array(readFileSync(file));
    });
  });
}

/** Writes a file of a FAT partition anew: other clusters than before, unlike an overwrite in place. */
export async function writeFatFile(
  disk: DiskFile,
  label: string,
  path: string,
  content: Uint8Array,
): Promise<void> {
  await withPartition(disk, label, 'write', (image) =>
    inTemporaryFile(async (file) => {
      writeFileSync(file, content);
      await tool('mcopy', '-o', '-i', image, file, `::${path}`);
    }),
  );
}

export async function deleteFatFile(disk: DiskFile, label: string, path: string): Promise<void> {
  await withPartition(disk, label, 'write', (image) => tool('mdel', '-i', image, `::${path}`));
}

/**
 * A file of an ext4 partition; undefined when it is not there. The journal is replayed first, on a copy: after a power
 * cut it holds what the last seconds wrote.
 */
export async function readExt4File(
  disk: DiskFile,
  label: string,
  path: string,
): Promise<Uint8Array | undefined> {
  return withPartition(disk, label, 'read', async (image) => {
    await tool('debugfs', '-w', '-R', 'journal_run', image);
    return inTemporaryFile(async (file) => {
      rmSync(file, { force: true });
      // debugfs says in words, not by its status, that a file is missing; then it writes none.
      await tool('debugfs', '-R', `dump ${debugfsQuote(path)} ${debugfsQuote(file)}`, image);
      return (await Bun.file(file).exists()) ? new Uint8Array(readFileSync(file)) : undefined;
    });
  });
}

/** Puts a file into an ext4 partition; its folder has to exist. */
export async function writeExt4File(
  disk: DiskFile,
  label: string,
  path: string,
  content: Uint8Array,
): Promise<void> {
  await withPartition(disk, label, 'write', (image) =>
    inTemporaryFile(async (file) => {
      writeFileSync(file, content);
      await tool('debugfs', '-w', '-R', 'journal_run', image);
      await run('debugfs', ['-w', '-R', `rm ${debugfsQuote(path)}`, image]);
      await tool('debugfs', '-w', '-R', `write ${debugfsQuote(file)} ${debugfsQuote(path)}`, image);
    }),
  );
}

/**
 * Hands a partition as a raw file to other programs (`fsck`, `veritysetup`, …).
 *
 * @param intent `write` puts the file back into the disk afterwards
 */
export async function withPartition<Result>(
  disk: DiskFile,
  label: string,
  intent: 'read' | 'write',
  use: (image: string) => Promise<Result>,
): Promise<Result> {
  const partition = findPartition(await readPartitions(disk), label);
  return inTemporaryFile(async (image) => {
    await extractRange(disk, partition.offset_bytes, partition.size_bytes, image);
    const result = await use(image);
    if (intent === 'write') await putRange(disk, partition.offset_bytes, image);
    return result;
  });
}

async function inTemporaryFile<Result>(use: (file: string) => Promise<Result>): Promise<Result> {
  const folder = mkdtempSync(join(tmpdir(), 'bulkhead-disk-'));
  try {
    return await use(join(folder, 'content'));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** @throws BulkheadError COMMAND_FAILED with the program's words */
async function tool(program: string, ...args: string[]): Promise<void> {
  await runOrThrow(run, program, args, { timeout_ms: DISK_TOOL_TIMEOUT_MS });
}

function windowAround(offset_bytes: number, size_bytes: number) {
  const start = Math.floor(offset_bytes / SECTOR_BYTES) * SECTOR_BYTES;
  const end = Math.ceil((offset_bytes + size_bytes) / SECTOR_BYTES) * SECTOR_BYTES;
  return { offset_bytes: start, size_bytes: end - start };
}

function checkRange(partition: GptPartition, offset_bytes: number, size_bytes: number): void {
  if (offset_bytes >= 0 && offset_bytes + size_bytes <= partition.size_bytes) return;
  throw new BulkheadError(
    'PARTITION_RANGE',
    `${size_bytes} bytes at ${offset_bytes} lie outside '${partition.label}' (${partition.size_bytes} bytes)`,
  );
}

function debugfsQuote(path: string): string {
  return `"${path.replaceAll('"', '""')}"`;
}
