import { mkdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { formatBytes } from '../../base/text.ts';
import { VERSION } from '../../base/version.ts';
import { assembleImage, type BuiltImage } from './assemble.ts';
import { buildLoader, installedLoaderModules } from './boot-loader.ts';
import { type BuildOptions, step } from './build-options.ts';
import { compileProgram } from './compile-program.ts';
import { describeImage } from './describe-image.ts';
import { buildImageTree } from './image-tree.ts';
import { initrdFiles } from './initrd-contents.ts';
import { openKernelTree } from './kernel-modules.ts';
import { listPackageFiles } from './package-files.ts';
import { readPackageLock } from './package-lock.ts';
import { prepareInitrd, prepareRoots } from './roots.ts';
import { materials, sourceRevision } from './source-facts.ts';
import { toolRunner } from './tool-root.ts';

/** What can be compiled: name of the file, and where it begins. */
interface Program {
  name: string;
  main: string;
}

const APPLIANCE_PROGRAM: Program = { name: 'bulkhead', main: 'appliance/main.ts' };
export const COORDINATOR_PROGRAM: Program = { name: 'bulkhead-coordinator', main: 'coordinator/main.ts' };

/** Compiles a program with every role into one file; that of the appliance unless another is named. */
export async function buildProgram(
  options: BuildOptions,
  { name, main }: Program = APPLIANCE_PROGRAM,
): Promise<{ file: string; compiled: string[] }> {
  const output = join(options.dist, name);
  mkdirSync(options.dist, { recursive: true });
  let compiled: string[] = [];
  await step(options, 'program', `bun build --compile ${main}`, async () => {
    compiled = await compileProgram(options.run, join(options.source, main), output, options.build);
    return formatBytes(statSync(output).size);
  });
  return { file: output, compiled };
}

/** From the lock file and a compiled program to slot image and ISO. Everything that does not change is kept in `build`. */
export async function buildImage(options: BuildOptions): Promise<BuiltImage> {
  const { run, build, source } = options;
  // Modes of folders that are made on the way end up in the image: they must not depend on who builds.
  process.umask(0o022);
  const program = await buildProgram(options);
  const lock = readPackageLock();
  const roots = await prepareRoots(options, lock);
  const tools = toolRunner(run, roots.tools, build, lock.epoch_s);
  const work = join(build, 'work');
  mkdirSync(work, { recursive: true });
  const kernel = openKernelTree(roots.kernel);
  const initrd = await prepareInitrd(options, lock, roots, tools, kernel);
  const loader = join(work, 'BOOTX64.EFI');
  const early = readFileSync(join(source, 'partitions/grub/early.cfg'), 'utf8');
  await buildLoader(tools, { early, modules: installedLoaderModules(), work, output: loader });

  const revision = await sourceRevision(run, source);
  const version = options.version ?? VERSION;
  const tree = join(work, 'tree');
  const packages = await step(options, 'file lists', 'of the locked packages', () =>
    listPackageFiles(run, lock, join(build, 'cache/packages')),
  );
  const describe = (finished: string) =>
    describeImage(finished, {
      ...{ packages, initrd: initrdFiles(readFileSync(initrd.file)), roots },
      ...{ source, version, revision, compiled: program.compiled },
    });
  const sbom = await step(options, 'root tree', 'base, overlay, program', () =>
    buildImageTree(run, {
      baseRoot: roots.image,
      target: tree,
      program: program.file,
      kernelFile: kernel.kernelFile,
      initrdFile: initrd.file,
      loaderFile: loader,
      modules: initrd.allModules,
      kernel,
      tools,
      firmwareRoot: options.firmware ? roots.firmware : undefined,
      imageInfo: { version, revision: revision.id, built_at: revision.time },
      describe,
      keysetFile: options.keysetFile,
      epoch_s: lock.epoch_s,
    }),
  );
  return assembleImage(options, tools, {
    ...{ tree, kernelFile: kernel.kernelFile, initrdFile: initrd.file, epoch_s: lock.epoch_s },
    ...{ version, revision, sbom, materials: materials(lock, source, options.firmware) },
  });
}
