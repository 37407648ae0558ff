import {
  chmodSync,
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { IMAGE_KEYSET_FILE } from '../../base/paths.ts';
import { type Run, runOrThrow } from '../../base/run.ts';
import users from '../users.json' with { type: 'json' };
import { MASKED_UNITS, trimTree } from './image-trim.ts';
import { installModules, type KernelTree } from './kernel-modules.ts';

/** Where kernel, initrd and boot loader files lie inside the slot: the installer copies the loader from here. */
export const BOOT_FOLDER = '/usr/lib/bulkhead/boot';

export interface ImageTreeOptions {
  baseRoot: string;
  target: string;
  /** The compiled program. */
  program: string;
  kernelFile: string;
  initrdFile: string;
  loaderFile: string;
  kernel: KernelTree;
  modules: readonly string[];
  /** Runs programs of the locked tool tree. */
  tools: Run;
  /** Folder with unpacked firmware packages, or undefined to leave firmware out. */
  firmwareRoot: string | undefined;
  imageInfo: { version: string; revision: string; built_at: string };
  /** Adds the copyright files to the otherwise finished tree and returns the bill of materials of what is in it. */
  describe: (tree: string) => string;
  /** Whose releases the system installs. */
  keysetFile: string;
  epoch_s: number;
}

/**
 * The finished root tree: Debian's base without what is never used, the overlay of iso/rootfs, the program.
 *
 * @returns its bill of materials, which is in the tree as well
 */
export async function buildImageTree(run: Run, options: ImageTreeOptions): Promise<string> {
  const { baseRoot, target } = options;
  rmSync(target, { recursive: true, force: true });
  await runOrThrow(run, 'cp', ['-a', '--reflink=auto', baseRoot, target], { timeout_ms: 300_000 });
  trimTree(target);
  for (const folder of ['boot', 'var', 'run', 'tmp', 'usr/lib/bulkhead/boot', 'etc/ssh'])
    mkdirSync(join(target, folder), { recursive: true });
  copyOverlay(join(import.meta.dirname, '../rootfs'), target);
  install(options.program, join(target, 'usr/bin/bulkhead'), 0o755);
  installBootFiles(target, options);
  writeFileSync(
    join(target, 'usr/lib/bulkhead/image.json'),
    `${JSON.stringify(options.imageInfo, null, 1)}\n`,
  );
  install(options.keysetFile, join(target, IMAGE_KEYSET_FILE), 0o644);
  await installModules(options.tools, options.kernel, options.modules, target);
  if (options.firmwareRoot) installFirmware(options.firmwareRoot, target);
  addUsers(target);
  addLinks(target);
  await enableUnits(run, target);
  const sbom = options.describe(target);
  writeFileSync(join(target, 'usr/lib/bulkhead/sbom.cdx.json'), sbom);
  await sealTimes(run, target, options.epoch_s);
  return sbom;
}

/** Kernel, initrd, boot loader and its script: the installer takes the last two from here, GRUB the others. */
export function installBootFiles(
  tree: string,
  files: Pick<ImageTreeOptions, 'kernelFile' | 'initrdFile' | 'loaderFile'>,
): void {
  const script = join(import.meta.dirname, '../../partitions/grub/grub.cfg');
  for (const [name, source] of [
    ['vmlinuz', files.kernelFile],
    ['initrd', files.initrdFile],
    ['BOOTX64.EFI', files.loaderFile],
    ['grub.cfg', script],
  ] as const)
    install(source, join(tree, BOOT_FOLDER, name), 0o644);
}

/** Modes of a checkout depend on the umask of whoever cloned it: the overlay's are made anew. */
function copyOverlay(source: string, target: string): void {
  for (const entry of readdirSync(source, { withFileTypes: true, recursive: true })) {
    if (entry.isDirectory()) continue;
    const from = join(entry.parentPath, entry.name);
    const to = join(target, relative(source, from));
    if (entry.isSymbolicLink()) {
      mkdirSync(dirname(to), { recursive: true });
      rmSync(to, { force: true });
      symlinkSync(readlinkSync(from), to);
    } else {
      install(from, to, statSync(from).mode & 0o100 ? 0o755 : 0o644);
    }
  }
}

function installFirmware(source: string, target: string): void {
  const patterns = readFileSync(join(import.meta.dirname, '../firmware.txt'), 'utf8')
    .split('\n')
    .filter((line) => line && !line.startsWith('#'));
  for (const pattern of patterns) {
    for (const path of new Bun.Glob(pattern).scanSync({
      cwd: join(source, 'usr/lib/firmware'),
      followSymlinks: true,
    })) {
      install(join(source, 'usr/lib/firmware', path), join(target, 'usr/lib/firmware', path), 0o644);
    }
  }
}

/** User and group of the same name and number, which files on the data partition bear: they never change. */
function addUsers(target: string): void {
  for (const { name, id, title } of users) {
    append(target, 'etc/passwd', `${name}:x:${id}:${id}:${title}:/nonexistent:/usr/sbin/nologin\n`);
    append(target, 'etc/group', `${name}:x:${id}:\n`);
    append(target, 'etc/shadow', `${name}:!:1::::::\n`);
  }
}

function append(target: string, path: string, line: string): void {
  const file = join(target, path);
  writeFileSync(file, readFileSync(file, 'utf8') + line);
}

function addLinks(target: string): void {
  writeFileSync(join(target, 'etc/machine-id'), '');
  writeFileSync(join(target, 'etc/hostname'), 'bulkhead\n');
  for (const [path, destination] of [
    ['etc/resolv.conf', '/run/systemd/resolve/stub-resolv.conf'],
    ['etc/localtime', '/run/bulkhead/localtime'],
    // As Debian's tmpfiles.d wants it, which would otherwise try to correct it on a read-only root.
    ['etc/mtab', '../proc/self/mounts'],
    ['usr/bin/sh', 'dash'],
  ] as const) {
    rmSync(join(target, path), { force: true });
    symlinkSync(destination, join(target, path));
  }
}

async function enableUnits(run: Run, target: string): Promise<void> {
  const folder = join(target, 'etc/systemd/system');
  for (const unit of MASKED_UNITS) {
    rmSync(join(folder, unit), { recursive: true, force: true });
    symlinkSync('/dev/null', join(folder, unit));
  }
  symlinkSync('/usr/lib/systemd/system/multi-user.target', join(folder, 'default.target'));
  const own = readdirSync(join(import.meta.dirname, '../rootfs/usr/lib/systemd/system')).filter((name) =>
    /\.(service|timer|path|target|socket)$/.test(name),
  );
  const enabled = own.filter((name) =>
    readFileSync(join(target, 'usr/lib/systemd/system', name), 'utf8').includes('[Install]'),
  );
  const debian = [
    'systemd-networkd.service',
    'systemd-resolved.service',
    'systemd-timesyncd.service',
    'tmp.mount',
  ];
  await runOrThrow(run, 'systemctl', ['--root', target, '--quiet', 'enable', ...enabled, ...debian]);
}

function install(source: string, target: string, mode: number): void {
  mkdirSync(dirname(target), { recursive: true });
  cpSync(source, target, { dereference: true });
  chmodSync(target, mode);
}

/** One time for every file: mkfs.erofs would do it too, but an unpacked tree should look the same. */
async function sealTimes(run: Run, target: string, epoch_s: number): Promise<void> {
  await runOrThrow(run, 'find', [target, '-exec', 'touch', '-h', '-d', `@${epoch_s}`, '{}', '+'], {
    timeout_ms: 300_000,
  });
}
