import { cpSync, linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Run, runOrThrow } from '../../base/run.ts';
import type { SlotManifest } from '../../partitions/slot-blob.ts';
import { buildLoader, buildMediumFat, liveLoaderModules } from './boot-loader.ts';
import { COMPRESS_TIMEOUT_MS } from './limits.ts';

/** Another one than that of the FAT partition beside it, BULKHEAD, which is where people look for config.yaml. */
const ISO_LABEL = 'BULKHEAD_ISO';

export interface LiveIsoOptions {
  slotImage: string;
  manifest: SlotManifest;
  kernelFile: string;
  initrdFile: string;
  /** Text files that the medium carries beside the image: SBOM, provenance. */
  documents: Record<string, string>;
  work: string;
  output: string;
  epoch_s: number;
}

/** The installation medium: EFI only, the same file for CD and USB stick, the same bytes for the same image. */
export async function buildLiveIso(tools: Run, options: LiveIsoOptions): Promise<void> {
  const { slotImage, manifest, work, output, epoch_s } = options;
  const tree = join(work, 'medium');
  const folder = join(tree, 'bulkhead');
  rmSync(tree, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const medium = manifest.verity.root_hash.slice(0, 16);
  writeFileSync(join(folder, medium), `${manifest.version}\n`);
  cpSync(options.kernelFile, join(folder, 'vmlinuz'));
  cpSync(options.initrdFile, join(folder, 'initrd'));
  for (const [name, text] of Object.entries(options.documents)) writeFileSync(join(folder, name), text);
  const { root_hash, salt, data_blocks } = manifest.verity;
  const fill = (text: string) =>
    text
      .replaceAll('@MEDIUM@', medium)
      .replaceAll('@VERITY@', `${root_hash}:${data_blocks}:${salt}`)
      .replaceAll('@VERSION@', manifest.version);
  const grub = (name: string) => fill(readFileSync(join(import.meta.dirname, '../grub', name), 'utf8'));
  writeFileSync(join(folder, 'live.cfg'), grub('live.cfg'));
  await compressSlot(tools, slotImage, join(work, 'squash'), join(folder, 'root.squashfs'));

  const loader = join(work, 'BOOTX64-live.EFI');
  await buildLoader(tools, {
    early: grub('live-early.cfg'),
    modules: liveLoaderModules(),
    work,
    output: loader,
  });
  const fat = join(work, 'medium.fat');
  await buildMediumFat(tools, { loader, work, output: fat, epoch_s, serial: medium.slice(0, 8) });
  const date = new Date(epoch_s * 1000).toISOString().replace(/[-:T]/g, '').slice(0, 14);
  rmSync(output, { force: true });
  await runOrThrow(
    tools,
    'sh',
    [
      '-c',
      'find "$1" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} + && shift && exec xorriso "$@"',
      'iso',
      tree,
      '-as',
      'mkisofs',
      '-iso-level',
      '3',
      '-r',
      '-V',
      ISO_LABEL,
      '-uid',
      '0',
      '-gid',
      '0',
      `--modification-date=${date}00`,
      '--set_all_file_dates',
      `${date}00`,
      '-partition_offset',
      '16',
      '-append_partition',
      '2',
      '0xef',
      fat,
      '-appended_part_as_gpt',
      '-e',
      '--interval:appended_partition_2:all::',
      '-no-emul-boot',
      '-o',
      output,
      tree,
    ],
    { timeout_ms: COMPRESS_TIMEOUT_MS },
  );
}

/**
 * The slot blob inside a compressed squashfs: the kernel unpacks what is read, so the live system boots from the very
 * blob that is installed, and nobody needs to hold it in memory.
 */
async function compressSlot(tools: Run, slotImage: string, work: string, output: string): Promise<void> {
  rmSync(work, { recursive: true, force: true });
  mkdirSync(work, { recursive: true });
  linkSync(slotImage, join(work, 'slot.img'));
  const level = process.env['BULKHEAD_FAST_ISO'] === '1' ? '3' : '19';
  await runOrThrow(
    tools,
    'mksquashfs',
    [
      work,
      output,
      '-noappend',
      '-all-root',
      '-no-xattrs',
      '-no-progress',
      '-quiet',
      '-comp',
      'zstd',
      '-Xcompression-level',
      level,
      '-b',
      '1M',
    ],
    { timeout_ms: COMPRESS_TIMEOUT_MS },
  );
}
