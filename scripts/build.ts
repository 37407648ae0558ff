import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { SENSOR_PLATFORMS } from '../appliance/sensors/client/update/release.ts';
import { errorLines } from '../base/errors.ts';
import { run } from '../base/run.ts';
import { formatBytes } from '../base/text.ts';
import { VERSION } from '../base/version.ts';
import { assembleTree } from '../iso/build/assemble-tree.ts';
import type { BuildOptions } from '../iso/build/build-options.ts';
import { findMirror } from '../iso/build/mirror.ts';
import { writePackageLock } from '../iso/build/package-lock.ts';
import { buildImage, buildProgram, COORDINATOR_PROGRAM } from '../iso/build/pipeline.ts';
import { sourceRevision } from '../iso/build/source-facts.ts';
import { imageStamp } from './image-stamp.ts';
import { imageKeyset, releaseKey } from './release-keys.ts';
import { buildSensors } from './sensor/build-sensors.ts';

const source = join(import.meta.dirname, '..');
const program = new Command('build')
  .description('builds the program, the image and the ISO')
  .showHelpAfterError();

interface AssembleOptions {
  kernel: string;
  initrd: string;
  revision: string;
  builtAt: string;
  imageVersion: string;
  sbom?: string;
  work: string;
  dist: string;
}

function buildOptions(options: { firmware?: boolean; imageVersion?: string; dist?: string }): BuildOptions {
  return {
    source,
    build: join(source, 'build'),
    dist: options.dist ?? join(source, 'dist'),
    firmware: options.firmware ?? true,
    keysetFile: imageKeyset(process.env, join(source, 'build'), Date.now()),
    ...(options.imageVersion ? { version: options.imageVersion } : {}),
    run,
    progress: (step, detail, seconds) => {
      const end = seconds === undefined ? '' : ` (${seconds.toFixed(1)} s)`;
      process.stderr.write(`${seconds === undefined ? '  …' : '  ✓'} ${step.padEnd(12)} ${detail}${end}\n`);
    },
  };
}

program
  .command('program')
  .description('dist/bulkhead: one executable with every role')
  .action(async () => {
    await buildProgram(buildOptions({}));
  });

program
  .command('coordinator')
  .description('dist/bulkhead-coordinator: the coordinator and its command line')
  .action(async () => {
    await buildProgram(buildOptions({}), COORDINATOR_PROGRAM);
  });

program
  .command('sensor')
  .description(
    'dist/bulkhead-sensor-linux-x64 and -windows-x64.exe, each with the signature that a sensor asks for',
  )
  .option('--platform <name>', 'only this one: linux-x64 or windows-x64')
  .option('--sensor-version <version>', 'version that is signed, for tests of updates', VERSION)
  .action(async (given: { platform?: string; sensorVersion: string }) => {
    const { dist, build, keysetFile } = buildOptions({});
    const made = await buildSensors({
      ...{ source, dist, build, keysetFile, run, version: given.sensorVersion },
      keyFile: releaseKey(process.env, build, Date.now()),
      platforms: SENSOR_PLATFORMS.filter((name) => given.platform === undefined || name === given.platform),
    });
    for (const { file, size_bytes } of made) process.stdout.write(`${file} ${formatBytes(size_bytes)}\n`);
  });

program
  .command('iso')
  .description('dist/bulkhead-<version>.iso and .slot, with bill of materials and provenance')
  .option('--no-firmware', "leave Debian's non-free firmware out")
  .option('--image-version <version>', 'version of the image, for tests of updates', VERSION)
  .option('--dist <folder>', 'where the finished files go')
  .option('--if-changed', 'do nothing when the sources are those of the last build')
  .action(async (given: { firmware: boolean; imageVersion: string; dist?: string; ifChanged?: boolean }) => {
    const options = buildOptions(given);
    const stamp = join(options.dist, `bulkhead-${given.imageVersion}.sources`);
    const { firmware, keysetFile } = options;
    const revision = await sourceRevision(run, source);
    const now = imageStamp({ source, firmware, keysetFile, revision, environment: process.env });
    const iso = join(options.dist, `bulkhead-${given.imageVersion}.iso`);
    if (given.ifChanged && existsSync(iso) && existsSync(stamp) && readFileSync(stamp, 'utf8') === now) {
      process.stderr.write(`  ✓ ${iso} is up to date\n`);
      return;
    }
    const built = await buildImage(options);
    mkdirSync(options.dist, { recursive: true });
    writeFileSync(stamp, now);
    process.stdout.write(
      `${built.iso} ${formatBytes(Bun.file(built.iso).size)}\n${built.slotImage} ${formatBytes(built.manifest.blob_bytes)}\n`,
    );
  });

program
  .command('assemble')
  .description(
    'slot image and ISO from a root tree, a kernel and an initrd that something else has made, with the tools of PATH',
  )
  .argument('<tree>', 'root tree; kernel, initrd, boot loader and its script are put into it')
  .requiredOption('--kernel <file>', 'kernel')
  .requiredOption('--initrd <file>', 'initrd, made of iso/initrd/init')
  .requiredOption('--revision <id>', 'what it is made from')
  .requiredOption('--built-at <time>', 'its time, RFC 3339')
  .option('--image-version <version>', 'version of the image', VERSION)
  .option('--sbom <file>', 'its bill of materials (default: that of the Nix store in the tree)')
  .option('--work <folder>', 'scratch space', join(source, 'build'))
  .option('--dist <folder>', 'where the finished files go', join(source, 'dist'))
  .action(async (tree: string, given: AssembleOptions) => {
    const { kernel, initrd, revision, builtAt, imageVersion, work, dist } = given;
    const options = { ...buildOptions({ dist }), build: work };
    const { iso, slotImage } = await assembleTree(options, {
      ...{ tree, kernelFile: kernel, initrdFile: initrd, version: imageVersion },
      ...{ revision: { id: revision, time: builtAt }, sbomFile: given.sbom, path: process.env['PATH'] ?? '' },
    });
    process.stdout.write(`${iso}\n${slotImage}\n`);
  });

program
  .command('lock')
  .description('resolve the Debian packages anew and write iso/packages.lock.json')
  .action(async () => {
    const lock = await writePackageLock(
      run,
      findMirror(process.env),
      join(source, 'build/apt'),
      Math.floor(Date.now() / 1000),
    );
    for (const [name, packages] of Object.entries(lock.sets))
      process.stdout.write(`${name}: ${packages.length} packages\n`);
  });

try {
  await program.parseAsync();
} catch (error) {
  process.stderr.write(errorLines(error));
  process.exitCode = 1;
}
