import type { Signer } from '../../base/signing/dsse.ts';
import { slotStreamReader } from '../delta/blob-reader.ts';
import { encodeDelta } from '../delta/encode.ts';
import { serialiseKeysetFile } from '../signing/keyset-file.ts';
import { assembleBundle, type WrittenBundle } from './assemble.ts';
import { fileSource } from './file-source.ts';
import { readSlotImage, type SlotImage } from './slot-image.ts';
import { type BundleContent, manifestFields } from './write-bundle.ts';

/** What a delta bundle is made of: as a full one, without documents, and the slot image it starts from. */
export interface DeltaContent
  extends Pick<BundleContent, 'slot_image' | 'keysets' | 'expires' | 'replaces_min' | 'onProgress'> {
  /** Path of the slot image of the release that runs where this is installed. */
  base_image: string;
  signers: readonly Signer[];
}

/**
 * Makes a bundle that turns one slot image into another. Both are checked whole before.
 *
 * @throws BulkheadError BUNDLE_SLOT_UNUSABLE, what encodeDelta and assembleBundle throw
 */
export async function writeDeltaBundle(output: string, content: DeltaContent): Promise<WrittenBundle> {
  const base = await checkedImage(content.base_image, content);
  const target = await checkedImage(content.slot_image, content);
  const baseReader = slotStreamReader(content.base_image, base.manifest);
  const targetReader = slotStreamReader(content.slot_image, target.manifest);
  try {
    const { version, verity } = base.manifest;
    return await assembleBundle(output, {
      manifest: manifestFields(target, content, { version, root_hash: verity.root_hash }),
      documents: content.keysets ? { keyset: serialiseKeysetFile(content.keysets) } : {},
      pieces: encodeDelta(baseReader, targetReader, {
        onProgress: ({ step, ...reached }) => content.onProgress?.({ phase: step, ...reached }),
      }),
      signers: content.signers,
    });
  } finally {
    baseReader.close();
    targetReader.close();
  }
}

async function checkedImage(path: string, { onProgress }: DeltaContent): Promise<SlotImage> {
  const source = fileSource(path);
  try {
    return await readSlotImage(source, (done_bytes, total_bytes) =>
      onProgress?.({ phase: 'check', done_bytes, total_bytes }),
    );
  } finally {
    await source.close();
  }
}
