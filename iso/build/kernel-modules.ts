import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { BulkheadError } from '../../base/errors.ts';
import { type Run, runOrThrow } from '../../base/run.ts';

/** An unpacked kernel package: the kernel, its release name and the folder of its modules. */
export interface KernelTree {
  release: string;
  kernelFile: string;
  modulesFolder: string;
}

export type ModuleClass = 'initrd' | 'root';

/** @throws BulkheadError IMAGE_KERNEL_INCOMPLETE */
export function openKernelTree(folder: string): KernelTree {
  const modules = join(folder, 'usr/lib/modules');
  const release = existsSync(modules) ? readdirSync(modules)[0] : undefined;
  const kernelFile = join(folder, `boot/vmlinuz-${release}`);
  if (!release || !existsSync(kernelFile)) {
    throw new BulkheadError('IMAGE_KERNEL_INCOMPLETE', `${folder} holds no kernel with modules`);
  }
  return { release, kernelFile, modulesFolder: join(modules, release) };
}

/** Lines of modules.txt. @throws BulkheadError IMAGE_MODULE_LIST on a line it does not understand */
export function parseModuleList(text: string): { class: ModuleClass; name: string }[] {
  const wanted: { class: ModuleClass; name: string }[] = [];
  for (const line of text.split('\n')) {
    const bare = line.replace(/#.*/, '').trim();
    if (bare === '') continue;
    const match = /^(initrd|root)\s+([A-Za-z0-9_-]+)$/.exec(bare);
    if (!match?.[2])
      throw new BulkheadError(
        'IMAGE_MODULE_LIST',
        `modules.txt: '${line}' is not 'initrd NAME' or 'root NAME'`,
      );
    wanted.push({ class: match[1] as ModuleClass, name: match[2] });
  }
  return wanted;
}

/**
 * The modules with everything they depend on, as paths below the modules folder, sorted.
 *
 * @throws BulkheadError IMAGE_MODULE_MISSING when the kernel has no such module, neither loadable nor built in
 */
export async function resolveModules(
  run: Run,
  tree: KernelTree,
  names: readonly string[],
): Promise<string[]> {
  const paths = indexByName(readLines(join(tree.modulesFolder, 'modules.order')), tree.modulesFolder);
  const builtIn = new Set(readLines(join(tree.modulesFolder, 'modules.builtin')).map(moduleName));
  const chosen = new Set<string>();
  let wave: { name: string; required: boolean }[] = names.map((name) => ({
    name: canonical(name),
    required: true,
  }));
  while (wave.length > 0) {
    const files: string[] = [];
    for (const { name, required } of wave) {
      const path = paths.get(name);
      if (path && !chosen.has(path)) {
        chosen.add(path);
        files.push(join(tree.modulesFolder, path));
      }
      if (!path && required && !builtIn.has(name)) {
        throw new BulkheadError('IMAGE_MODULE_MISSING', `kernel ${tree.release} has no module '${name}'`, {
          hint: 'correct iso/modules.txt',
        });
      }
    }
    wave =
      files.length === 0
        ? []
        : dependencies(await runOrThrow(run, 'modinfo', files, { timeout_ms: 120_000 }));
  }
  return [...chosen].sort();
}

/** Copies modules unpacked (a compressed blob would hide unchanged bytes from a delta) and indexes them. */
export async function installModules(
  run: Run,
  tree: KernelTree,
  paths: readonly string[],
  root: string,
): Promise<void> {
  const target = join(root, 'usr/lib/modules', tree.release);
  rmSync(target, { recursive: true, force: true });
  const packed: string[] = [];
  for (const path of paths) {
    const file = join(target, path);
    mkdirSync(dirname(file), { recursive: true });
    cpSync(join(tree.modulesFolder, path), file);
    if (file.endsWith('.xz')) packed.push(file);
  }
  for (const name of ['modules.builtin', 'modules.builtin.modinfo', 'modules.order']) {
    cpSync(join(tree.modulesFolder, name), join(target, name));
  }
  await runOrThrow(run, 'xz', ['-d', ...packed], { timeout_ms: 120_000 });
  await runOrThrow(run, 'depmod', ['-b', root, tree.release], { timeout_ms: 120_000 });
}

/** `depends:` are needed; `softdep:` are taken where they exist. */
function dependencies(modinfo: string): { name: string; required: boolean }[] {
  const found: { name: string; required: boolean }[] = [];
  for (const line of modinfo.split('\n')) {
    const hard = /^depends:\s+(\S+)/.exec(line)?.[1];
    for (const name of hard?.split(',') ?? []) found.push({ name: canonical(name), required: true });
    const soft = /^softdep:\s+(.+)/.exec(line)?.[1];
    for (const name of soft?.split(/\s+/) ?? []) {
      if (!name.endsWith(':')) found.push({ name: canonical(name), required: false });
    }
  }
  return found;
}

function indexByName(order: string[], folder: string): Map<string, string> {
  const paths = new Map<string, string>();
  for (const line of order) {
    const plain = line.replace(/\.o$/, '.ko');
    const path = existsSync(join(folder, `${plain}.xz`)) ? `${plain}.xz` : plain;
    paths.set(moduleName(plain), path);
  }
  return paths;
}

function readLines(file: string): string[] {
  return readFileSync(file, 'utf8').split('\n').filter(Boolean);
}

function moduleName(path: string): string {
  return canonical(basename(path).replace(/\.ko(\.xz)?$/, ''));
}

/** The kernel treats `-` and `_` in module names as one. */
function canonical(name: string): string {
  return name.replaceAll('-', '_');
}
