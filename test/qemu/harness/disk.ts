import { closeSync, ftruncateSync, openSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { BulkheadError } from '../../../base/errors.ts';
import { run, runOrThrow } from '../../../base/run.ts';
import { DISK_TOOL_TIMEOUT_MS } from './limits.ts';
import type { DiskFile } from './options.ts';

/** Files that stand for disks. All of this works on machines that are off: qemu-img refuses a file in use. */

/** A blank raw disk; takes space only for what is written to it. */
export function createDisk(path: string, size_bytes: number): DiskFile {
  const file = openSync(path, 'wx');
  try {
    ftruncateSync(file, size_bytes);
  } finally {
    closeSync(file);
  }
  return { path, format: 'raw' };
}

/** A qcow2 disk that begins as another one and keeps only what differs. The base must not change any more. */
export async function createOverlay(path: string, base: DiskFile): Promise<DiskFile> {
  await qemuImg('create', '-q', '-f', 'qcow2', '-b', resolve(base.path), '-F', base.format, path);
  return { path, format: 'qcow2' };
}

/** A copy without base, holes kept. */
export async function copyDisk(from: DiskFile, to: DiskFile): Promise<DiskFile> {
  await qemuImg('convert', '-f', from.format, '-O', to.format, from.path, to.path);
  return to;
}

/** Size that the guest sees, in bytes. */
export async function diskSize_bytes(disk: DiskFile): Promise<number> {
  if (disk.format === 'raw') return statSync(disk.path).size;
  const info = JSON.parse(await qemuImg('info', '--output=json', disk.path)) as { 'virtual-size': number };
  return info['virtual-size'];
}

/**
 * Copies a range of the disk into a raw file, holes kept.
 *
 * @param offset_bytes multiple of 512, as is the size
 */
export async function extractRange(
  disk: DiskFile,
  offset_bytes: number,
  size_bytes: number,
  to: string,
): Promise<void> {
  await qemuImg('convert', '--image-opts', rangeOf(disk, offset_bytes, size_bytes), '-O', 'raw', to);
}

/** Writes a raw file over the disk from an offset on; nothing else of the disk changes. */
export async function putRange(disk: DiskFile, offset_bytes: number, from: string): Promise<void> {
  const target = rangeOf(disk, offset_bytes, statSync(from).size);
  await qemuImg('convert', '-n', '-f', 'raw', '--target-image-opts', from, target);
}

/** QEMU's `raw` driver shows a window of what lies below it (docs: "raw" in qemu-block-drivers.7). */
function rangeOf(disk: DiskFile, offset_bytes: number, size_bytes: number): string {
  const path = resolve(disk.path).replaceAll(',', ',,');
  return `driver=raw,offset=${offset_bytes},size=${size_bytes},file.driver=${disk.format},file.file.driver=file,file.file.filename=${path}`;
}

/** @throws BulkheadError DISK_TOOL_FAILED with the program's words */
async function qemuImg(...args: string[]): Promise<string> {
  try {
    return await runOrThrow(run, 'qemu-img', args, { timeout_ms: DISK_TOOL_TIMEOUT_MS });
  } catch (cause) {
    throw new BulkheadError('DISK_TOOL_FAILED', 'a disk file could not be changed', {
      cause,
      hint: 'is a machine still running on it?',
    });
  }
}
