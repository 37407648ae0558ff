import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { run } from '../../base/run.ts';
import { type DescribeOptions, describeImage } from './describe-image.ts';
import { licenceNames } from './documents.ts';
import { initrdFiles } from './initrd-contents.ts';
import { listPackageFiles, type PackageFiles } from './package-files.ts';
import type { PackageLock } from './package-lock.ts';

const ELF = '\x7fELF rest of a program';
const DEP5 =
  'Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\nFiles: *\nLicense: GPL-2+\n\nLicense: GPL-2+\n Text.\n\nFiles: x\nLicense: BSD-3-clause\n';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'bulkhead-sbom-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function write(path: string, text: string): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), text, 'latin1');
}

const part = (set: string, name: string, ...files: string[]): PackageFiles => ({
  ...{ set, name, version: '1-1', sha256: name.padEnd(64, '0') },
  files: [...files, `usr/share/doc/${name}/copyright`],
});

/** An image in small: a tree with a kernel and a loader, an initrd, and what they were made from. */
function image(): DescribeOptions {
  write('tree/usr/bin/bulkhead', ELF);
  write('tree/usr/bin/tool', ELF);
  write('tree/usr/lib/bulkhead/boot/vmlinuz', 'kernel');
  write('tree/usr/lib/bulkhead/boot/BOOTX64.EFI', 'loader');
  write('tree/usr/lib/modules/6.12/kernel/drivers/net.ko', ELF);
  const packages = [
    part('image', 'tool', 'usr/bin/tool', 'usr/bin/gone'),
    part('image', 'trimmed', 'usr/bin/perl', 'usr/share/man/man1/perl.1'),
    part('tools', 'busybox-static', 'usr/bin/busybox'),
    part('tools', 'grub-efi-amd64-bin', 'usr/lib/grub/x86_64-efi/kernel.img'),
    part('tools', 'other-tool', 'usr/bin/tool'),
    part('kernel', 'linux-image', 'boot/vmlinuz-6.12', 'usr/lib/modules/6.12/kernel/drivers/net.ko.xz'),
    part('firmware', 'amd64-microcode', 'usr/lib/firmware/amd-ucode/microcode_amd_fam17h.bin'),
    part('firmware', 'not-used', 'usr/lib/firmware/other.bin'),
  ];
  for (const { set, name } of packages)
    write(`${set}/usr/share/doc/${name}/copyright`, name === 'tool' ? DEP5 : 'In words of its own.\n');
  write(
    'source/package-lock.json',
    '{"packages":{"node_modules/@oven/bun-linux-x64":{"version":"1.4.5","license":"MIT"}}}',
  );
  const roots = { tools: '', image: '', kernel: '', firmware: '' };
  for (const set of Object.keys(roots) as (keyof typeof roots)[]) roots[set] = join(folder, set);
  return {
    ...{ packages, roots, source: join(folder, 'source'), version: '1.0.0', compiled: [] },
    initrd: ['kernel/x86/microcode/AuthenticAMD.bin', 'init', 'usr/bin/busybox'],
    revision: { id: 'abc', time: '2026-11-21T00:00:00.000Z' },
  };
}

interface Bill {
  components: { name: string; licenses: object[]; hashes?: { content: string }[] }[];
}
const describe = (options: DescribeOptions) =>
  JSON.parse(describeImage(join(folder, 'tree'), options)) as Bill;

test('the bill of materials names what is in tree, initrd and loader, and nothing that was trimmed or only helped', () => {
  const { components } = describe(image());
  expect(components.map(({ name }) => name).sort()).toEqual([
    '@oven/bun-linux-x64',
    'amd64-microcode',
    'busybox-static',
    'grub-efi-amd64-bin',
    'linux-image',
    'tool',
  ]);
});

test('without firmware and loader their packages are not named', () => {
  const options = image();
  rmSync(join(folder, 'tree/usr/lib/bulkhead/boot/BOOTX64.EFI'));
  const names = describe({ ...options, initrd: ['init'] }).components.map(({ name }) => name);
  expect(names.sort()).toEqual(['@oven/bun-linux-x64', 'linux-image', 'tool']);
});

test('every part has a licence and a digest, and its copyright file is in the tree', () => {
  const { components } = describe(image());
  const tool = components.find(({ name }) => name === 'tool');
  expect(tool?.licenses).toEqual([{ license: { name: 'BSD-3-clause' } }, { license: { name: 'GPL-2+' } }]);
  expect(tool?.hashes?.[0]?.content).toBe('tool'.padEnd(64, '0'));
  const busybox = components.find(({ name }) => name === 'busybox-static');
  expect(busybox?.licenses).toEqual([{ license: { name: 'see usr/share/doc/busybox-static/copyright' } }]);
  for (const { name } of components.filter(({ name }) => !name.startsWith('@')))
    expect(readFileSync(join(folder, `tree/usr/share/doc/${name}/copyright`), 'utf8')).not.toBe('');
});

test.each(['usr/bin/stray', 'usr/lib/firmware/stray.bin', 'usr/lib/modules/6.12/kernel/stray.ko'])(
  '%s of no package stops the build',
  (path) => {
    const options = image();
    write(`tree/${path}`, ELF);
    expect(() => describe(options)).toThrow(expect.objectContaining({ code: 'IMAGE_SBOM_INCOMPLETE' }));
    expect(() => describe(options)).toThrow(path);
  },
);

test('links, even in a loop, are no programs, and a package without a copyright file stops the build', () => {
  const options = image();
  symlinkSync('.', join(folder, 'tree/usr/lib/loop'));
  symlinkSync('tool', join(folder, 'tree/usr/bin/link'));
  expect(() => describe(options)).not.toThrow();
  rmSync(join(folder, 'image/usr/share/doc/tool/copyright'));
  expect(() => describe(options)).toThrow(expect.objectContaining({ code: 'IMAGE_COPYRIGHT_MISSING' }));
});

test('a copyright file that is not in the machine-readable format names no licence', () => {
  expect(licenceNames('This is GPL.\nLicense: GPL\n')).toEqual([]);
  expect(licenceNames(DEP5)).toEqual(['BSD-3-clause', 'GPL-2+']);
});

test('the files of a package are read out of it once, and folders are none', async () => {
  write(
    'deb/DEBIAN/control',
    'Package: tool\nVersion: 1-1\nArchitecture: all\nMaintainer: x <x@example.org>\nDescription: x\n',
  );
  write('deb/usr/bin/tool', 'x');
  symlinkSync('tool', join(folder, 'deb/usr/bin/alias'));
  const sha256 = 'a'.repeat(64);
  execFileSync('dpkg-deb', [
    '--build',
    '--root-owner-group',
    join(folder, 'deb'),
    join(folder, `${sha256}.deb`),
  ]);
  const locked = {
    name: 'tool',
    version: '1-1',
    architecture: 'all',
    archive: 'main',
    path: 'x',
    size_bytes: 1,
    sha256,
  } as const;
  const lock: PackageLock = {
    suite: 'x',
    epoch_s: 0,
    sets: { image: [locked, { ...locked, sha256: 'b'.repeat(64) }] },
  };
  const expected = [
    { name: 'tool', version: '1-1', sha256, set: 'image', files: ['usr/bin/alias', 'usr/bin/tool'] },
  ];
  const sorted = async (tool: typeof run) =>
    (await listPackageFiles(tool, lock, folder)).map((entry) => ({
      ...entry,
      files: entry.files.toSorted(),
    }));
  expect(await sorted(run)).toEqual(expected);
  expect(await sorted(() => Promise.reject(new Error('again')))).toEqual(expected);
});

test('the files of an initrd are those of the archive with microcode and of the compressed one, without links', () => {
  write('early/kernel/x86/microcode/AuthenticAMD.bin', '\x28\xb5\x2f\xfd looks like zstd');
  write('main/usr/bin/busybox', ELF);
  write('main/init', '#!/bin/sh\n');
  symlinkSync('busybox', join(folder, 'main/usr/bin/xz'));
  const script =
    '(cd "$1/early" && find . -mindepth 1 -printf "%P\\n" | sort | cpio --quiet -o -H newc);' +
    '(cd "$1/main" && find . -mindepth 1 -printf "%P\\n" | sort | cpio --quiet -o -H newc | zstd -q)';
  const bytes = execFileSync('sh', ['-c', script, 'pack', folder]);
  expect(initrdFiles(bytes)).toEqual(['kernel/x86/microcode/AuthenticAMD.bin', 'init', 'usr/bin/busybox']);
  const damaged = Buffer.from(bytes);
  damaged.write('x', 14);
  for (const broken of [bytes.subarray(0, 100), bytes.subarray(0, 200), damaged])
    expect(() => initrdFiles(broken)).toThrow(expect.objectContaining({ code: 'IMAGE_INITRD_FORMAT' }));
});
