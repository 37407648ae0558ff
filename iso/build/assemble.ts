import { createHash } from 'node:crypto';
import { createReadStream, mkdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BulkheadError } from '../../base/errors.ts';
import { LISTED_HARDWARE } from '../../base/hardware.ts';
import type { Run } from '../../base/run.ts';
import { formatBytes } from '../../base/text.ts';
import type { SlotManifest } from '../../partitions/slot-blob.ts';
import { type BuildOptions, step } from './build-options.ts';
import { type ProvenanceInputs, provenance } from './documents.ts';
import { ISO_TARGET_BYTES } from './limits.ts';
import { buildLiveIso } from './live-iso.ts';
import { buildSlotImage } from './slot-image.ts';
import type { Revision } from './source-facts.ts';

/** Hardware the image is made for; installer and updater refuse other machines unless told otherwise. */
const COMPATIBLE = LISTED_HARDWARE.map(({ name }) => name);

export interface BuiltImage {
  slotImage: string;
  iso: string;
  manifest: SlotManifest;
  /** Bill of materials and provenance, beside the slot image; a release carries them. */
  documents: { sbom: string; provenance: string };
}

/** What an image is assembled from, wherever it comes from: Debian's packages or the store of Nix. */
export interface ImageParts {
  /** The finished root tree, with kernel, initrd and loader in its boot folder. */
  tree: string;
  kernelFile: string;
  initrdFile: string;
  /** Time of every file, Unix seconds. */
  epoch_s: number;
  version: string;
  revision: Revision;
  /** CycloneDX of what is in the tree. */
  sbom: string;
  /** Digests of what it was made of, for the provenance. */
  materials: Record<string, string>;
}

/**
 * From a root tree to slot image and ISO.
 *
 * @param tools runs mkfs.erofs, dump.erofs, veritysetup, grub-mkimage, mksquashfs, xorriso and the tools of FAT
 * @throws BulkheadError IMAGE_*
 */
export async function assembleImage(
  options: Pick<BuildOptions, 'build' | 'dist' | 'progress'>,
  tools: Run,
  parts: ImageParts,
): Promise<BuiltImage> {
  const { build, dist } = options;
  const { version, revision } = parts;
  const work = join(build, 'work');
  mkdirSync(work, { recursive: true });
  mkdirSync(dist, { recursive: true });
  const slotImage = join(dist, `bulkhead-${version}.slot`);
  const slotWork = join(work, 'slot.img');
  const manifest = await step(options, 'slot image', 'EROFS, dm-verity, footer', () =>
    buildSlotImage(tools, {
      tree: parts.tree,
      output: slotWork,
      epoch_s: parts.epoch_s,
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
      materials: parts.materials,
    });
  // The medium carries its own documents and so cannot be named in them; those beside it name it too.
  const onMedium = { 'sbom.cdx.json': parts.sbom, 'provenance.json': provenanceOf([slotSubject]) };
  await step(options, 'ISO', 'compress and assemble', async () => {
    await buildLiveIso(tools, {
      slotImage: slotWork,
      manifest,
      kernelFile: parts.kernelFile,
      initrdFile: parts.initrdFile,
      documents: onMedium,
      work,
      output: isoWork,
      epoch_s: parts.epoch_s,
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
  writeFileSync(documents.sbom, parts.sbom);
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
