import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Run, runOrThrow } from '../../base/run.ts';

/** Modules that the medium's loader needs beyond the installed one's. */
const LIVE_MODULES = [
  'iso9660',
  'search',
  'search_fs_file',
  'menuentry',
  'normal',
  'configfile',
  'all_video',
  'efifwsetup',
  'font',
  'gfxterm',
];

/** FAT partition of the medium: loader, a note and room for config.yaml. Smallest that is FAT16 everywhere. */
const MEDIUM_FAT_MIB = 16;

/** GRUB as one EFI program with `early` embedded; finds everything else relative to where it was loaded from. */
export async function buildLoader(
  tools: Run,
  options: { early: string; modules: readonly string[]; work: string; output: string },
): Promise<void> {
  const early = join(options.work, `early-${options.modules.length}.cfg`);
  // An embedded script is read by GRUB's rescue parser, which knows no comments.
  writeFileSync(early, options.early.replace(/^\s*#.*\n/gm, ''));
  mkdirSync(dirname(options.output), { recursive: true });
  await runOrThrow(tools, 'grub-mkimage', [
    '-O',
    'x86_64-efi',
    '-o',
    options.output,
    '-c',
    early,
    '-p',
    '/bulkhead',
    ...options.modules,
  ]);
}

/** Modules of the installed loader: partitions/grub/modules.txt is their home. */
export function installedLoaderModules(): string[] {
  const text = readFileSync(join(import.meta.dirname, '../../partitions/grub/modules.txt'), 'utf8');
  return text
    .split('\n')
    .map((line) => line.replace(/#.*/, '').trim())
    .filter(Boolean)
    .flatMap((line) => line.split(/\s+/));
}

export function liveLoaderModules(): string[] {
  const extra = LIVE_MODULES.filter((name) => name !== 'menuentry');
  return [...new Set([...installedLoaderModules(), ...extra])];
}

/** The FAT image that becomes the medium's EFI system partition, label BULKHEAD. Same inputs, same bytes. */
export async function buildMediumFat(
  tools: Run,
  options: { loader: string; work: string; output: string; epoch_s: number; serial: string },
): Promise<void> {
  const { loader, work, output, epoch_s, serial } = options;
  rmSync(output, { force: true });
  const readme = join(work, 'README.TXT');
  cpSync(join(import.meta.dirname, '../grub/live-readme.txt'), readme);
  const script = [
    `touch -d @${epoch_s} "$1" "$2"`,
    `mkfs.vfat --invariant -C -F 16 -n BULKHEAD -i ${serial} "$3" ${MEDIUM_FAT_MIB * 1024} >/dev/null`,
    'mmd -i "$3" ::/EFI ::/EFI/BOOT',
    'mcopy -m -i "$3" "$1" ::/EFI/BOOT/BOOTX64.EFI',
    'mcopy -m -i "$3" "$2" ::/README.TXT',
  ].join(' && ');
  await runOrThrow(tools, 'sh', ['-c', script, 'fat', loader, readme, output]);
}
