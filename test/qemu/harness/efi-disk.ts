import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run, runOrThrow } from '../../../base/run.ts';
import { createDisk, putRange } from './disk.ts';
import type { DiskFile } from './options.ts';

const MEBIBYTE = 1024 * 1024;
/** Where partitions begin by convention, and what the second copy of the table takes at the end, rounded up. */
const MARGIN_BYTES = MEBIBYTE;
/** FAT32 needs 65,525 clusters; with one sector each that is 32 MiB and a little. */
const ESP_BYTES = 40 * MEBIBYTE;

/**
 * A disk with nothing but an ESP. Boots a test's own program, or serves as `loader` of a machine whose real disk the
 * firmware cannot read.
 *
 * @param files path on the ESP (`/EFI/BOOT/BOOTX64.EFI`) to file on this computer
 * @param size_bytes of the whole disk; an SD card has to have a power of two
 */
export async function createEfiDisk(
  path: string,
  files: Readonly<Record<string, string>>,
  size_bytes = 64 * MEBIBYTE,
): Promise<DiskFile> {
  const disk = createDisk(path, size_bytes);
  const content = Object.values(files).reduce((sum, file) => sum + statSync(file).size, 0);
  const esp_bytes = Math.min(
    size_bytes - 2 * MARGIN_BYTES,
    ESP_BYTES + Math.ceil(content / MEBIBYTE) * MEBIBYTE,
  );
  const folder = mkdtempSync(join(tmpdir(), 'bulkhead-esp-'));
  const image = join(folder, 'esp');
  try {
    const span = `1:${MARGIN_BYTES / MEBIBYTE}M:+${esp_bytes / MEBIBYTE}M`;
    await runOrThrow(run, 'sgdisk', ['-n', span, '-t', '1:ef00', '-c', '1:ESP', path]);
    createDisk(image, esp_bytes);
    await runOrThrow(run, 'mkfs.fat', ['-F', '32', '-s', '1', '-n', 'ESP', image]);
    for (const folder of parentFolders(Object.keys(files)))
      await runOrThrow(run, 'mmd', ['-i', image, `::${folder}`]);
    for (const [target, source] of Object.entries(files)) {
      await runOrThrow(run, 'mcopy', ['-i', image, source, `::${target}`]);
    }
    await putRange(disk, MARGIN_BYTES, image);
  } finally {
    rmSync(folder, { recursive: true });
  }
  return disk;
}

/** `/EFI`, `/EFI/BOOT` for `/EFI/BOOT/BOOTX64.EFI`; each once, parents first. */
function parentFolders(paths: readonly string[]): string[] {
  const folders = paths.flatMap((path) => {
    const names = path.split('/').slice(1, -1);
    return names.map((_, depth) => `/${names.slice(0, depth + 1).join('/')}`);
  });
  return [...new Set(folders)].sort((a, b) => a.length - b.length);
}
