import {
  closeSync,
  cpSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
} from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { BulkheadError } from '../../base/errors.ts';
import { BOOT_FOLDER } from './image-tree.ts';
import type { PackageFiles } from './package-files.ts';

/** GRUB's own program, which every boot loader that grub-mkimage makes begins with. */
const LOADER_CORE = 'usr/lib/grub/x86_64-efi/kernel.img';

/** Where the kernel looks for microcode in an initrd, and the file that it is made from. */
const MICROCODE = {
  inInitrd: 'kernel/x86/microcode/AuthenticAMD.bin',
  source: 'usr/lib/firmware/amd-ucode/microcode_amd_fam17h.bin',
};

/** The places an image is made of. */
export interface ImageParts {
  /** The finished root tree. */
  tree: string;
  /** Regular files of the initrd. */
  initrd: readonly string[];
}

/**
 * The packages of which anything is in the image: a file in the tree or in the initrd, the kernel, the boot loader. What was
 * trimmed away whole is not among them. Documentation alone does not count.
 */
export function shippedPackages(
  packages: readonly PackageFiles[],
  { tree, initrd }: ImageParts,
): PackageFiles[] {
  const early = new Set(initrd.map((path) => (path === MICROCODE.inInitrd ? MICROCODE.source : path)));
  const kernel = lstatSync(join(tree, BOOT_FOLDER, 'vmlinuz'), { throwIfNoEntry: false }) !== undefined;
  const loader = lstatSync(join(tree, BOOT_FOLDER, 'BOOTX64.EFI'), { throwIfNoEntry: false }) !== undefined;
  const inTree = (path: string) =>
    lstatSync(join(tree, path), { throwIfNoEntry: false })?.isDirectory() === false;
  const isShipped = ({ set, files }: PackageFiles) =>
    files.some((packed) => {
      const path = installedName(packed);
      if (path.startsWith('usr/share/doc/')) return false;
      if (early.has(path)) return true;
      if (set === 'tools') return loader && path === LOADER_CORE;
      return inTree(path) || (kernel && path.startsWith('boot/vmlinuz-'));
    });
  const found = new Map<string, PackageFiles>();
  // The same package may be in two sets, at the same version.
  for (const entry of packages) if (!found.has(entry.name) && isShipped(entry)) found.set(entry.name, entry);
  return [...found.values()];
}

/** Modules are unpacked when they are installed. */
function installedName(path: string): string {
  return path.replace(/\.ko\.xz$/, '.ko');
}

/**
 * Programs, libraries and modules in the tree that belong to none of the packages: whatever the bill of materials would not say.
 *
 * @param own files of ours, relative to the tree
 */
export function unlistedPrograms(
  tree: string,
  shipped: readonly PackageFiles[],
  own: readonly string[],
): string[] {
  const owned = new Set([...own, ...shipped.flatMap(({ files }) => files.map(installedName))]);
  return regularFiles(tree)
    .map((path) => relative(tree, path))
    .filter((path) => !owned.has(path) && (path.startsWith('usr/lib/firmware/') || isElf(join(tree, path))))
    .sort();
}

/** Bun's own recursive reading follows links and ends in a loop of them. */
function regularFiles(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? regularFiles(path) : entry.isFile() ? [path] : [];
  });
}

function isElf(path: string): boolean {
  const file = openSync(path, 'r');
  try {
    const magic = Buffer.alloc(4);
    return readSync(file, magic, 0, 4, 0) === 4 && magic.toString('latin1') === '\x7fELF';
  } finally {
    closeSync(file);
  }
}

/**
 * Puts the copyright file of every package into the tree: licences want their text beside what they are about.
 *
 * @param rootOf the unpacked tree of a set
 * @returns the text of each by the package's name
 * @throws BulkheadError IMAGE_COPYRIGHT_MISSING
 */
export function installCopyrights(
  tree: string,
  shipped: readonly PackageFiles[],
  rootOf: (set: string) => string,
): Map<string, string> {
  const texts = new Map<string, string>();
  for (const { name, set } of shipped) {
    const path = copyrightPath(name);
    const source = join(rootOf(set), path);
    try {
      texts.set(name, readFileSync(source, 'utf8'));
    } catch (cause) {
      throw new BulkheadError(
        'IMAGE_COPYRIGHT_MISSING',
        `package ${name} has no copyright file for the image`,
        { cause },
      );
    }
    mkdirSync(dirname(join(tree, path)), { recursive: true });
    cpSync(source, join(tree, path), { dereference: true });
  }
  return texts;
}

export function copyrightPath(name: string): string {
  return `usr/share/doc/${name}/copyright`;
}
