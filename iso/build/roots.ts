import { existsSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Run, runOrThrow } from '../../base/run.ts';
import { type BuildOptions, step } from './build-options.ts';
import { fetchPackages, packageFile } from './fetch-packages.ts';
import { buildInitrd } from './initrd.ts';
import { type KernelTree, parseModuleList, resolveModules } from './kernel-modules.ts';
import { findMirror } from './mirror.ts';
import { type PackageLock, readPackageSets } from './package-lock.ts';
import { buildRootTree } from './root-tree.ts';
import { digestOf } from './source-facts.ts';

export interface Roots {
  tools: string;
  image: string;
  kernel: string;
  firmware: string;
}

/** Fetches the locked packages and unpacks them; each tree is kept until the lock changes. */
export async function prepareRoots(options: BuildOptions, lock: PackageLock): Promise<Roots> {
  const { run, build } = options;
  const cache = join(build, 'cache/packages');
  const folder = join(build, 'roots');
  const wanted = Object.entries(lock.sets).flatMap(([set, packages]) =>
    set === 'firmware' && !options.firmware ? [] : packages,
  );
  await step(options, 'packages', `${wanted.length} from the lock`, () =>
    fetchPackages(wanted, findMirror(process.env), cache, (done, total, name) =>
      options.progress('packages', `${done} of ${total}: ${name}`),
    ),
  );
  const sets = readPackageSets();
  const tree = async (name: 'tools' | 'image') => {
    const packages = lock.sets[name] ?? [];
    return step(options, `${name} tree`, `${packages.length} packages`, () =>
      buildRootTree(run, {
        name,
        key: digestOf(
          packages.map((entry) => entry.sha256).join() +
            readFileSync(join(import.meta.dirname, 'root-tree.ts'), 'utf8'),
        ),
        suite: lock.suite,
        packages,
        include: sets.sets[name]?.packages ?? [],
        epoch_s: lock.epoch_s,
        cache,
        folder,
      }),
    );
  };
  const unpack = async (name: 'kernel' | 'firmware') => {
    const packages = lock.sets[name] ?? [];
    const target = join(
      folder,
      `${name}-${digestOf(packages.map((entry) => entry.sha256).join()).slice(0, 16)}`,
    );
    if (existsSync(target) || (name === 'firmware' && !options.firmware)) return target;
    await step(options, `${name} files`, 'unpack', async () => {
      rmSync(`${target}.unfinished`, { recursive: true, force: true });
      for (const entry of packages) {
        await runOrThrow(run, 'dpkg-deb', ['-x', packageFile(cache, entry), `${target}.unfinished`], {
          timeout_ms: 300_000,
        });
      }
      renameSync(`${target}.unfinished`, target);
    });
    return target;
  };
  return {
    tools: await tree('tools'),
    image: await tree('image'),
    kernel: await unpack('kernel'),
    firmware: await unpack('firmware'),
  };
}

/** The initrd is packed again only when something in it changes: zstd -19 costs seconds. */
export async function prepareInitrd(
  options: BuildOptions,
  lock: PackageLock,
  roots: Roots,
  tools: Run,
  kernel: KernelTree,
): Promise<{ file: string; allModules: string[] }> {
  const list = readFileSync(join(options.source, 'iso/modules.txt'), 'utf8');
  const wanted = parseModuleList(list);
  const allModules = await resolveModules(
    tools,
    kernel,
    wanted.map((entry) => entry.name),
  );
  const sources = ['iso/initrd/init', 'iso/build/initrd.ts', 'iso/build/kernel-modules.ts'].map((file) =>
    readFileSync(join(options.source, file), 'utf8'),
  );
  const key = digestOf([list, JSON.stringify(lock.sets), String(options.firmware), ...sources].join('\0'));
  const file = join(options.build, 'cache', `initrd-${key.slice(0, 16)}`);
  if (!existsSync(file)) {
    const modules = await resolveModules(
      tools,
      kernel,
      wanted.filter((entry) => entry.class === 'initrd').map((entry) => entry.name),
    );
    const microcode = join(roots.firmware, 'usr/lib/firmware/amd-ucode/microcode_amd_fam17h.bin');
    await step(options, 'initrd', `${modules.length} modules`, () =>
      buildInitrd(options.run, {
        tools,
        toolsRoot: roots.tools,
        imageRoot: roots.image,
        kernel,
        modules,
        microcodeFile: options.firmware && existsSync(microcode) ? microcode : undefined,
        work: join(options.build, 'work'),
        output: `${file}.unfinished`,
      }),
    );
    renameSync(`${file}.unfinished`, file);
  }
  return { file, allModules };
}
