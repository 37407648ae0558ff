import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Run } from '../../base/run.ts';
import { assembleImage, type BuiltImage } from './assemble.ts';
import { buildLoader, installedLoaderModules } from './boot-loader.ts';
import type { BuildOptions } from './build-options.ts';
import { installBootFiles } from './image-tree.ts';
import { digestOf, type Revision } from './source-facts.ts';
import { storeBill } from './store-bill.ts';

/** A root tree that something else than the pipeline for Debian has made, with what boots it. */
export interface ForeignTree {
  tree: string;
  kernelFile: string;
  initrdFile: string;
  version: string;
  revision: Revision;
  /** Bill of materials that whoever made the tree has written; without it that of the Nix store in the tree. */
  sbomFile?: string | undefined;
  /** Where the tools are looked for, as in PATH. */
  path: string;
}

/**
 * The interface between `iso/` and whoever makes root trees otherwise, NixOS above all: the same loader, blob, footer and ISO from a
 * root tree, a kernel and an initrd.
 *
 * @throws BulkheadError IMAGE_*, COMMAND_*
 */
export async function assembleTree(
  options: Pick<BuildOptions, 'build' | 'dist' | 'progress' | 'run' | 'source'>,
  foreign: ForeignTree,
): Promise<BuiltImage> {
  const { build, run, source } = options;
  const { tree, kernelFile, initrdFile, version, revision } = foreign;
  const epoch_s = Math.floor(Date.parse(revision.time) / 1000);
  const tools: Run = (program, args, more = {}) =>
    run(program, args, {
      ...more,
      env: { PATH: foreign.path, SOURCE_DATE_EPOCH: String(epoch_s), TZ: 'UTC', ...more.env },
    });
  const work = join(build, 'work');
  mkdirSync(work, { recursive: true });
  const loaderFile = join(work, 'BOOTX64.EFI');
  const early = readFileSync(join(source, 'partitions/grub/early.cfg'), 'utf8');
  await buildLoader(tools, { early, modules: installedLoaderModules(), work, output: loaderFile });
  installBootFiles(tree, { kernelFile, initrdFile, loaderFile });
  const lockFile = 'package-lock.json';
  return assembleImage(options, tools, {
    ...{ tree, kernelFile, initrdFile, epoch_s, version, revision },
    sbom: foreign.sbomFile ? readFileSync(foreign.sbomFile, 'utf8') : storeBill(tree, version, revision),
    materials: { [lockFile]: digestOf(readFileSync(join(source, lockFile), 'utf8')) },
  });
}
