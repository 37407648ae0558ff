import { createHash } from 'node:crypto';
import {
  createReadStream,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { BulkheadError } from '../../base/errors.ts';
import { type Run, runOrThrow } from '../../base/run.ts';
import { formatBytes } from '../../base/text.ts';
import { VERSION } from '../../base/version.ts';
import type { SlotManifest } from '../../partitions/slot-blob.ts';
import { buildLoader, installedLoaderModules } from './boot-loader.ts';
import { cycloneDx, debianComponents, debianPurl, npmComponents, provenance } from './documents.ts';
import { fetchPackages, packageFile } from './fetch-packages.ts';
import { buildImageTree } from './image-tree.ts';
import { buildInitrd } from './initrd.ts';
import { type KernelTree, openKernelTree, parseModuleList, resolveModules } from './kernel-modules.ts';
import { buildLiveIso } from './live-iso.ts';
import { findMirror } from './mirror.ts';
import { type PackageLock, readPackageLock, readPackageSets } from './package-lock.ts';
import { buildRootTree } from './root-tree.ts';
import { buildSlotImage } from './slot-image.ts';
import { toolRunner } from './tool-root.ts';

/** Hardware the image is made for; the installer refuses other machines unless told otherwise. */
const COMPATIBLE = ['hp-t640', 'hp-t740', 'qemu'];

export interface BuildOptions {
  /** Top of the checkout. */
  source: string;
  /** Scratch space and caches. */
  build: string;
  /** Where finished files go. */
  dist: string;
  /** Version of the image; the program's own unless a test builds another. */
  version?: string;
  /** Leave Debian's non-free firmware out. */
  firmware: boolean;
  run: Run;
  /** Told when a step starts and when it ends (`seconds` set). */
  progress: (step: string, detail: string, seconds?: number) => void;
}

export interface BuiltImage {
  slotImage: string;
  iso: string;
  manifest: SlotManifest;
}

/** Compiles the program with every role into one file. */
export async function buildProgram(options: BuildOptions): Promise<string> {
  const output = join(options.dist, 'bulkhead');
  mkdirSync(options.dist, { recursive: true });
  await step(options, 'program', 'bun build --compile', async () => {
    await runOrThrow(
      options.run,
      process.execPath,
      [
        'build',
        '--compile',
        '--minify-whitespace',
        '--minify-syntax',
        '--sourcemap=none',
        '--target=bun-linux-x64-baseline',
        join(options.source, 'appliance/main.ts'),
        '--outfile',
        output,
      ],
      { timeout_ms: 300_000, env: { HOME: options.build, NODE_ENV: 'production' } },
    );
    return formatBytes(statSync(output).size);
  });
  return output;
}

/** From the lock file and a compiled program to slot image and ISO. Everything that does not change is kept in `build`. */
export async function buildImage(options: BuildOptions): Promise<BuiltImage> {
  const { run, build, dist, source } = options;
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
  const sbom = billOfMaterials(lock, roots, source, version, revision, options.firmware);
  await step(options, 'root tree', 'base, overlay, program', () =>
    buildImageTree(run, {
      baseRoot: roots.image,
      target: tree,
      program,
      kernelFile: kernel.kernelFile,
      initrdFile: initrd.file,
      loaderFile: loader,
      modules: initrd.allModules,
      kernel,
      tools,
      firmwareRoot: options.firmware ? roots.firmware : undefined,
      imageInfo: { version, revision: revision.id, built_at: revision.time },
      sbom,
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
  const documents = {
    'sbom.cdx.json': sbom,
    'provenance.json': provenance({
      version,
      revision: revision.id,
      builtAt: revision.time,
      slotSha256: await digestFile(slotWork),
      rootHash: manifest.verity.root_hash,
      materials: materials(lock, source, options.firmware),
    }),
  };
  await step(options, 'ISO', 'compress and assemble', async () => {
    await buildLiveIso(tools, {
      slotImage: slotWork,
      manifest,
      kernelFile: kernel.kernelFile,
      initrdFile: initrd.file,
      documents,
      work,
      output: isoWork,
      epoch_s: lock.epoch_s,
    });
    return formatBytes(statSync(isoWork).size);
  });
  renameSync(isoWork, iso);
  rmSync(slotImage, { force: true });
  renameSync(slotWork, slotImage);
  writeFileSync(join(dist, `bulkhead-${version}.manifest.json`), `${JSON.stringify(manifest, null, 1)}\n`);
  for (const [name, text] of Object.entries(documents))
    writeFileSync(join(dist, `bulkhead-${version}.${name}`), text);
  return { slotImage, iso, manifest };
}

interface Roots {
  tools: string;
  image: string;
  kernel: string;
  firmware: string;
}

/** Fetches the locked packages and unpacks them; each tree is kept until the lock changes. */
async function prepareRoots(options: BuildOptions, lock: PackageLock): Promise<Roots> {
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
async function prepareInitrd(
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

function billOfMaterials(
  lock: PackageLock,
  roots: Roots,
  source: string,
  version: string,
  revision: Revision,
  firmware: boolean,
): string {
  const digests = new Map(
    Object.values(lock.sets)
      .flat()
      .map((entry) => [entry.name, entry.sha256]),
  );
  const unpacked = [...(lock.sets['kernel'] ?? []), ...(firmware ? (lock.sets['firmware'] ?? []) : [])];
  const components = [
    ...debianComponents(roots.image, digests),
    ...unpacked.map((entry) => ({
      name: entry.name,
      version: entry.version,
      purl: debianPurl(entry.name, entry.version),
      sha256: entry.sha256,
    })),
    ...npmComponents(readFileSync(join(source, 'package-lock.json'), 'utf8')),
  ];
  const hex = digestOf(`${version} ${revision.id}`);
  const serial = `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
  return cycloneDx(version, revision.time, serial, components);
}

function materials(lock: PackageLock, source: string, firmware: boolean): Record<string, string> {
  const found: Record<string, string> = {};
  for (const file of ['package-lock.json', 'iso/packages.lock.json'])
    found[file] = digestOf(readFileSync(join(source, file), 'utf8'));
  for (const [set, packages] of Object.entries(lock.sets)) {
    if (set === 'firmware' && !firmware) continue;
    for (const entry of packages) found[debianPurl(entry.name, entry.version)] = entry.sha256;
  }
  return found;
}

interface Revision {
  id: string;
  /** Commit time, RFC 3339: the build date that everything shows. */
  time: string;
}

/** @throws BulkheadError IMAGE_NO_REVISION outside a git checkout: an image must say where it comes from */
async function sourceRevision(run: Run, source: string): Promise<Revision> {
  const git = (args: string[]) =>
    run('git', ['-C', source, ...args], {
      env: { GIT_CONFIG_COUNT: '1', GIT_CONFIG_KEY_0: 'safe.directory', GIT_CONFIG_VALUE_0: '*' },
    });
  const head = await git(['show', '-s', '--format=%H %cI', 'HEAD']);
  const [id, time] = head.stdout.trim().split(' ');
  if (head.code !== 0 || !id || !time) {
    throw new BulkheadError(
      'IMAGE_NO_REVISION',
      `${source} is not a git checkout with a commit: ${head.stderr.trim()}`,
    );
  }
  const changed = (await git(['status', '--porcelain'])).stdout.trim() !== '';
  return { id: changed ? `${id}-dirty` : id, time: new Date(time).toISOString() };
}

async function step<T>(
  options: BuildOptions,
  name: string,
  detail: string,
  work: () => Promise<T>,
): Promise<T> {
  const start = performance.now();
  options.progress(name, detail);
  const result = await work();
  options.progress(
    name,
    typeof result === 'string' && result.length < 40 ? result : detail,
    (performance.now() - start) / 1000,
  );
  return result;
}

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

async function digestFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Uint8Array);
  return hash.digest('hex');
}

/** Digest of everything an image is made from; equal digests mean there is nothing to build. */
export function sourceDigest(source: string, folders: readonly string[]): string {
  const hash = createHash('sha256');
  const visit = (path: string) => {
    const info = statSync(join(source, path));
    if (info.isDirectory()) {
      for (const name of readdirSync(join(source, path)).sort()) visit(join(path, name));
    } else if (!path.endsWith('.test.ts')) {
      hash.update(`${path}\0${info.mode}\0`).update(readFileSync(join(source, path)));
    }
  };
  for (const folder of folders) visit(folder);
  return hash.digest('hex');
}
