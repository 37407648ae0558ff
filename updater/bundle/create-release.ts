import { rm } from 'node:fs/promises';
import { BulkheadError } from '../../base/errors.ts';
import type { Envelope } from '../../base/signing/dsse.ts';
import { deltaSuffix } from '../install/release-place.ts';
import { acceptKeysets, anchorTrust, type TrustedKeys } from '../signing/trust.ts';
import type { WrittenBundle } from './assemble.ts';
import { fileSource } from './file-source.ts';
import { isBundle } from './head.ts';
import { openBundle } from './open-bundle.ts';
import { readSlotFooter } from './slot-image.ts';
import { unpackBundle } from './verify-bundle.ts';
import { type BundleContent, writeBlocks, writeBundle } from './write-bundle.ts';
import { writeDeltaBundle } from './write-delta.ts';

/** A release with everything that lies beside it on a server. */
export interface ReleaseContent extends BundleContent {
  /** NAME of the full bundle; deltas and blocks get their names from it. */
  output: string;
  /** Slot images or full bundles that a delta is made from; bundles are held to `keysets`. */
  from: readonly string[];
  /** Whether the raw data area is laid beside it. */
  blocks: boolean;
  /** Only the deltas: the full bundle is there already. */
  onlyDeltas: boolean;
  /** Chain of key sets; kept apart from `keysets`, which says whether the bundle carries them. */
  trust: readonly Envelope[];
  now: Date;
}

export interface ReleaseFile extends WrittenBundle {
  path: string;
}

/**
 * Makes a full bundle, its deltas and its blocks: NAME, NAME.from-ROOT, NAME.blocks.
 *
 * @throws BulkheadError what writeBundle, writeDeltaBundle and openBundle throw; BUNDLE_BASE_UNTRUSTED
 */
export async function createRelease(content: ReleaseContent): Promise<ReleaseFile[]> {
  const { output, slot_image } = content;
  const files: ReleaseFile[] = [];
  if (!content.onlyDeltas) {
    const written = await writeBundle(output, content);
    files.push({ path: output, ...written });
    if (content.blocks) await writeBlocks(`${output}.blocks`, slot_image, written.manifest.slot.data_bytes);
  }
  for (const from of content.from) files.push(await createDelta(content, from));
  return files;
}

async function createDelta(content: ReleaseContent, from: string): Promise<ReleaseFile> {
  const base_image = `${content.output}.base`;
  const source = fileSource(from);
  try {
    if (!(await isBundle(source))) return await writeDelta(content, from);
    const bundle = await openBundle(source, trustOf(content, from), content.now);
    await unpackBundle(bundle, base_image);
    return await writeDelta(content, base_image);
  } finally {
    await source.close();
    await rm(base_image, { force: true });
  }
}

/** Under the name that an appliance asks for which runs the base. */
async function writeDelta(content: ReleaseContent, base_image: string): Promise<ReleaseFile> {
  const source = fileSource(base_image);
  try {
    const { verity } = (await readSlotFooter(source)).manifest;
    const path = `${content.output}${deltaSuffix(verity.root_hash)}`;
    return { path, ...(await writeDeltaBundle(path, { ...content, base_image })) };
  } finally {
    await source.close();
  }
}

function trustOf({ trust }: ReleaseContent, from: string): TrustedKeys {
  const [first, ...others] = trust;
  if (!first) {
    throw new BulkheadError(
      'BUNDLE_BASE_UNTRUSTED',
      `${from} is a bundle, and nothing says whose keys to trust`,
      {
        hint: 'name the key sets with --keyset, or the slot image the bundle was made of',
      },
    );
  }
  return acceptKeysets(anchorTrust(first), others).trusted;
}
