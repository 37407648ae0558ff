import { createHash } from 'node:crypto';
import {
  createReadStream,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { BulkheadError } from '../../base/errors.ts';
import { LISTED_HARDWARE } from '../../base/hardware.ts';
import { formatBytes } from '../../base/text.ts';
import { VERSION } from '../../base/version.ts';
import type { SlotManifest } from '../../partitions/slot-blob.ts';
import { buildLoader, installedLoaderModules } from './boot-loader.ts';
import { type BuildOptions, step } from './build-options.ts';
import { compileProgram } from './compile-program.ts';
import { describeImage } from './describe-image.ts';
import { type ProvenanceInputs, provenance } from './documents.ts';
import { buildImageTree } from './image-tree.ts';
import { initrdFiles } from './initrd-contents.ts';
import { openKernelTree } from './kernel-modules.ts';
import { ISO_TARGET_BYTES } from './limits.ts';
import { buildLiveIso } from './live-iso.ts';
import { listPackageFiles } from './package-files.ts';
import { readPackageLock } from './package-lock.ts';
import { prepareInitrd, prepareRoots } from './roots.ts';
import { buildSlotImage } from './slot-image.ts';
import { materials, sourceRevision } from './source-facts.ts';
import { toolRunner } from './tool-root.ts';

/** Hardware the image is made for; installer and updater refuse other machines unless told otherwise. */
const COMPATIBLE = LISTED_HARDWARE.map(({ name }) => name);

export interface BuiltImage {
  slotImage: string;
  iso: string;
  manifest: SlotManifest;
  /** Bill of materials and provenance, beside the slot image; a release carries them. */
  documents: { sbom: string; provenance: string };
}

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
  const { run, build, dist, source } = options;
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
  const slotImage = join(dist, `bulkhead-${version}.slot`);
  const slotWork = join(work, 'slot.img');
  const manifest = await step(options, 'slot image', 'EROFS, dm-verity, footer', () =>
    buildSlotImage(tools, {
      tree,
      output: slotWork,
      epoch_s: lock.epoch_s,
      version,
      revision: revision.id,
      builtAt: revision.time,
      compatible: COMPATIBLE,
    }),
  );
  const iso = join(dist, `bulkhead-${version}.iso`);
  const isoWork = join(work, 'live.iso');
  const slotSubject = {
    name: `bulkhead-${version}.slot`,
    sha256: await digestFile(slotWork),
    rootHash: manifest.verity.root_hash,
  };
  const provenanceOf = (subjects: ProvenanceInputs['subjects']) =>
    provenance({
      ...{ version, revision: revision.id, builtAt: revision.time, subjects },
      materials: materials(lock, source, options.firmware),
    });
  // The medium carries its own documents and so cannot be named in them; those beside it name it too.
  const onMedium = { 'sbom.cdx.json': sbom, 'provenance.json': provenanceOf([slotSubject]) };
  await step(options, 'ISO', 'compress and assemble', async () => {
    await buildLiveIso(tools, {
      slotImage: slotWork,
      manifest,
      kernelFile: kernel.kernelFile,
      initrdFile: initrd.file,
      documents: onMedium,
      work,
      output: isoWork,
      epoch_s: lock.epoch_s,
    });
    const { size } = statSync(isoWork);
    if (size > ISO_TARGET_BYTES) {
      throw new BulkheadError(
        'IMAGE_ISO_TOO_LARGE',
        `the ISO has ${size} bytes, ${ISO_TARGET_BYTES} is the limit`,
        {
          hint: 'see what grew in build/work/tree, or raise the limit in iso/build/limits.ts with a reason',
        },
      );
    }
    return formatBytes(size);
  });
  renameSync(isoWork, iso);
  rmSync(slotImage, { force: true });
  renameSync(slotWork, slotImage);
  writeFileSync(join(dist, `bulkhead-${version}.manifest.json`), `${JSON.stringify(manifest, null, 1)}\n`);
  const documents = imageDocuments(dist, version);
  const isoSubject = { name: `bulkhead-${version}.iso`, sha256: await digestFile(iso) };
  writeFileSync(documents.sbom, sbom);
  writeFileSync(documents.provenance, provenanceOf([slotSubject, isoSubject]));
  return { slotImage, iso, manifest, documents };
}

/** Where bill of materials and provenance of an image lie. */
export function imageDocuments(dist: string, version: string): BuiltImage['documents'] {
  const file = (name: string) => join(dist, `bulkhead-${version}.${name}`);
  return { sbom: file('sbom.cdx.json'), provenance: file('provenance.json') };
}

async function digestFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Uint8Array);
  return hash.digest('hex');
}
