import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { BulkheadError, errorLines } from '../base/errors.ts';
import { formatBytes } from '../base/text.ts';
import { VERSION } from '../base/version.ts';
import { imageDocuments } from '../iso/build/assemble.ts';
import { createRelease, type ReleaseFile } from '../updater/bundle/create-release.ts';
import { fileSource } from '../updater/bundle/file-source.ts';
import { readSlotFooter } from '../updater/bundle/slot-image.ts';
import { readSigner } from '../updater/signing/key-file.ts';
import { readKeysetFile } from '../updater/signing/keyset-file.ts';
import { imageKeyset, releaseKey } from './release-keys.ts';

/** `npm run bundle`: a signed release of the image that was built last, in dist/ beside it. */
const source = join(import.meta.dirname, '..');
const build = join(source, 'build');

interface BundleOptions {
  dist: string;
  from: string[];
  blocks?: true;
}

const program = new Command('bundle')
  .description(
    'Makes dist/bulkhead-<version>.bundle of the newest slot image in dist/, which is built when there is none. Signed with ' +
      'BULKHEAD_RELEASE_KEY, or with the development key of this tree (build/keys).',
  )
  .option('--dist <folder>', 'where slot images lie and releases go', join(source, 'dist'))
  .option('--from <file>', 'slot image or bundle to make a delta from; again for a second one', collect, [])
  .option('--blocks', 'lay the raw data area beside it')
  .addHelpText('after', '\nExample:\n  npm run bundle -- --from old/bulkhead-0.1.0.slot --blocks\n')
  .showHelpAfterError();

try {
  program.parse();
  for (const { path, size_bytes } of await makeBundle(program.opts<BundleOptions>()))
    process.stdout.write(`${path} ${formatBytes(size_bytes)}\n`);
} catch (error) {
  process.stderr.write(errorLines(error));
  process.exitCode = 1;
}

async function makeBundle({ dist, from, blocks }: BundleOptions): Promise<ReleaseFile[]> {
  const slot_image = newestSlotImage(dist) ?? (await buildSlotImage(dist));
  const version = await versionOf(slot_image);
  const keysets = readKeysetFile(imageKeyset(process.env, build, Date.now()));
  const { sbom, provenance } = imageDocuments(dist, version);
  let told = '';
  return createRelease({
    output: join(dist, `bulkhead-${version}.bundle`),
    slot_image,
    from,
    blocks: blocks ?? false,
    onlyDeltas: false,
    signers: [readSigner(releaseKey(process.env, build, Date.now()))],
    trust: keysets,
    // The first set is in every image; only what followed has to travel.
    ...(keysets.length > 1 ? { keysets } : {}),
    ...(existsSync(sbom) ? { sbom: readFileSync(sbom) } : {}),
    ...(existsSync(provenance) ? { provenance: readFileSync(provenance) } : {}),
    now: new Date(),
    onProgress: ({ phase, done_bytes, total_bytes }) => {
      const line = `  … ${phase.padEnd(12)} ${Math.floor((10 * done_bytes) / total_bytes) * 10} %\n`;
      if (line !== told) process.stderr.write(line);
      told = line;
    },
  });
}

function newestSlotImage(dist: string): string | undefined {
  if (!existsSync(dist)) return undefined;
  const images = readdirSync(dist).filter((name) => name.endsWith('.slot'));
  const dated = images.map((name) => ({ path: join(dist, name), at_ms: statSync(join(dist, name)).mtimeMs }));
  return dated.sort((a, b) => b.at_ms - a.at_ms)[0]?.path;
}

async function buildSlotImage(dist: string): Promise<string> {
  const child = Bun.spawn([process.execPath, join(import.meta.dirname, 'build.ts'), 'iso', '--dist', dist], {
    stdin: 'ignore',
    stdout: 'inherit',
    stderr: 'inherit',
  });
  if ((await child.exited) !== 0)
    throw new BulkheadError(
      'BUNDLE_NO_IMAGE',
      'there is no slot image to make a release of, and the build failed',
    );
  return join(dist, `bulkhead-${VERSION}.slot`);
}

async function versionOf(slot_image: string): Promise<string> {
  const file = fileSource(slot_image);
  try {
    return (await readSlotFooter(file)).manifest.version;
  } finally {
    await file.close();
  }
}

function collect(value: string, before: readonly string[]): string[] {
  return [...before, value];
}
