import { createHash } from 'node:crypto';
import { copyFileSync, lstatSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BulkheadError } from '../../../base/errors.ts';
import { run, runOrThrow } from '../../../base/run.ts';
import { compileProgram } from '../../../iso/build/compile-program.ts';
import { SOURCE } from '../../../test/qemu/fixtures/image.ts';
import { LIBRARIES, LIBRARY_MAX_BYTES, MAKE_TIMEOUT_MS } from './limits.ts';
import { rebuildElf } from './rebuilt-elf.ts';
import type { VariantId } from './results.ts';

/** The root trees: the built one, and the same after five kinds of change. */

export interface Variant {
  id: VariantId;
  title: string;
  change: string;
  /** Changes a copy of the base tree. */
  apply(tree: string, work: string): Promise<void>;
}

const PROGRAM = 'usr/bin/bulkhead';
const LIBRARY_FOLDER = 'usr/lib/x86_64-linux-gnu';

/** An edit of the program's own source. */
interface Edit {
  file: string;
  from: string;
  to: string;
}

const SAME_LENGTH: Edit[] = [
  {
    file: 'appliance/program.ts',
    from: 'firmware of an unattended appliance',
    to: 'FIRMWARE of an unattended appliance',
  },
];

/** A longer text, a condition more, a new function: the program moves behind each of them. */
const LENGTHS: Edit[] = [
  {
    file: 'appliance/program.ts',
    from: 'firmware of an unattended appliance',
    to: 'firmware of an appliance that nobody looks after',
  },
  {
    file: 'base/text.ts',
    from: 'export function formatDuration(seconds: number): string {',
    to: "export function formatDuration(seconds: number): string {\n  if (!Number.isFinite(seconds) || seconds < 0) return 'unknown';",
  },
  {
    file: 'updater/install/transfer.ts',
    from: 'the update was stopped; the running slot is as it was',
    to: 'the update was stopped before its end; the slot that runs is as it was before',
  },
];

/**
 * Files of the packages that a point release touches most: the C library, OpenSSL, systemd, SQLite, Kerberos, util-linux, sudo
 * and the version itself.
 */
const POINT_RELEASE =
  /^usr\/(lib\/x86_64-linux-gnu\/(lib(c|m|mvec|crypto|ssl|sqlite3|krb5|k5crypto|gssapi_krb5|krb5support|mount|blkid|smartcols|fdisk|uuid|systemd|udev)\.so|ld-linux|systemd\/|lib(resolv|nss_.*|pthread|rt|dl|util)\.so)|lib\/systemd\/systemd|s?bin\/(systemctl|journalctl|udevadm|networkctl|resolvectl|timedatectl|hostnamectl|loginctl|mount|umount|lsblk|fdisk|blkid|losetup|sudo|openssl|sshd|ssh|systemd-))/;
const POINT_RELEASE_TEXT = ['etc/debian_version', 'usr/lib/os-release'];

export const VARIANTS: readonly Variant[] = [
  {
    id: 'one-file',
    title: 'one small file',
    change: 'one byte more in /etc/issue',
    apply: async (tree) => appendText(tree, ['etc/issue'], ' '),
  },
  {
    id: 'same-length',
    title: 'program, same length',
    change: 'the program rebuilt with one text of the same length',
    apply: (tree, work) => rebuiltProgram(tree, work, SAME_LENGTH),
  },
  {
    id: 'lengths',
    title: 'program, other lengths',
    change: 'the program rebuilt with two longer texts and one condition more, in three modules',
    apply: (tree, work) => rebuiltProgram(tree, work, LENGTHS),
  },
  {
    id: 'libraries',
    title: 'twenty libraries',
    change: `the ${LIBRARIES} largest libraries below 600 KiB as if rebuilt: a function grown, everything behind it and all references to it moved`,
    apply: async (tree) => rebuildFiles(tree, libraries(tree)),
  },
  {
    id: 'point-release',
    title: 'Debian point release',
    change:
      'libraries and programs of libc6, openssl, systemd, sqlite3, krb5, util-linux, sudo and openssh as if rebuilt, and the version of Debian; no kernel',
    apply: async (tree) => {
      rebuildFiles(
        tree,
        filesOf(tree).filter((file) => POINT_RELEASE.test(file)),
      );
      appendText(tree, POINT_RELEASE_TEXT, '\n');
    },
  },
];

/** Copies a tree as it is, owners and times included. */
export async function copyTree(from: string, to: string): Promise<void> {
  await runOrThrow(run, 'rm', ['-rf', to], { timeout_ms: MAKE_TIMEOUT_MS });
  await runOrThrow(run, 'cp', ['-a', '--reflink=auto', from, to], { timeout_ms: MAKE_TIMEOUT_MS });
}

/** The base tree runs the program of this checkout, whatever was built last. */
export function baseTree(tree: string, work: string): Promise<void> {
  return rebuiltProgram(tree, work, []);
}

/** Compiles the program from a copy of the sources with some edits, as the image's build does. */
async function rebuiltProgram(tree: string, work: string, edits: readonly Edit[]): Promise<void> {
  const source = join(work, 'source');
  await copySource(source);
  for (const { file, from, to } of edits) {
    const text = readFileSync(join(source, file), 'utf8');
    if (!text.includes(from)) {
      throw new BulkheadError('BENCH_VARIANT_STALE', `${file} has no '${from}' to change`, {
        hint: 'the edits of the bench are in bench/lib/update/trees.ts: take another text of today',
      });
    }
    writeFileSync(join(source, file), text.replace(from, to));
  }
  await compileProgram(run, join(source, 'appliance/main.ts'), join(tree, PROGRAM), work);
}

async function copySource(target: string): Promise<void> {
  await runOrThrow(run, 'rm', ['-rf', target]);
  await runOrThrow(run, 'mkdir', ['-p', target]);
  const parts = ['appliance', 'base', 'health-gate', 'iso', 'partitions', 'status-page', 'updater', 'test'];
  await runOrThrow(run, 'cp', ['-r', ...parts.map((part) => join(SOURCE, part)), target]);
  for (const file of ['package.json', 'tsconfig.json']) copyFileSync(join(SOURCE, file), join(target, file));
  symlinkSync(join(SOURCE, 'node_modules'), join(target, 'node_modules'));
}

function appendText(tree: string, candidates: readonly string[], text: string): void {
  const file = candidates.find((name) => lstatSync(join(tree, name), { throwIfNoEntry: false })?.isFile());
  if (!file) throw new BulkheadError('BENCH_VARIANT_STALE', `${tree} has none of ${candidates.join(', ')}`);
  writeFileSync(join(tree, file), readFileSync(join(tree, file), 'utf8') + text);
}

function libraries(tree: string): string[] {
  return filesOf(join(tree, LIBRARY_FOLDER))
    .filter((file) => /\.so(\.|$)/.test(file))
    .map((file) => ({
      file: join(LIBRARY_FOLDER, file),
      size: lstatSync(join(tree, LIBRARY_FOLDER, file)).size,
    }))
    .filter(({ size }) => size < LIBRARY_MAX_BYTES)
    .sort((a, b) => b.size - a.size || (a.file < b.file ? -1 : 1))
    .slice(0, LIBRARIES)
    .map(({ file }) => file);
}

function rebuildFiles(tree: string, files: readonly string[]): void {
  for (const file of files) {
    const seed = createHash('sha256').update(file).digest().readUInt16LE();
    const bytes = readFileSync(join(tree, file));
    writeFileSync(join(tree, file), rebuildElf(bytes, seed));
  }
}

/** Regular files, relative, sorted. Links are not followed. */
export function filesOf(tree: string, folder = ''): string[] {
  return readdirSync(join(tree, folder), { withFileTypes: true })
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return filesOf(tree, path);
      return entry.isFile() ? [path] : [];
    })
    .sort();
}
