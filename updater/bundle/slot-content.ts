import { BulkheadError } from '../../base/errors.ts';
import { BLOCK_BYTES } from '../../partitions/slot-blob.ts';
import { HASH_BYTES, hashBlocks, hashTree } from '../../partitions/verity-tree.ts';
import { checkSelfDescription, slotShape } from '../install/slot-shape.ts';
import { HASH_STEP_BYTES } from './limits.ts';
import { type BundleManifest, TAIL_BYTES } from './manifest.ts';

/** What a target stream yielded, compared with what was signed. */
export interface SlotContent {
  /** Superblock and footer. */
  tail: Uint8Array;
  /** Computed from the data. */
  tree: Uint8Array;
}

/**
 * Takes a target stream (data area, then tail) to its end and holds it to the manifest: length, root hash, tail, and that the
 * slot says of itself what was signed about it.
 *
 * @param parts of any length
 * @param keepData is given the data area in order, in whole blocks
 * @throws BulkheadError BUNDLE_STREAM_LENGTH, BUNDLE_ROOT_MISMATCH, UPDATE_TAIL_MISMATCH, UPDATE_SLOT_INCOHERENT
 */
export async function checkSlotContent(
  manifest: BundleManifest,
  parts: AsyncIterable<Uint8Array>,
  keepData: (blocks: Uint8Array) => Promise<void> = async () => {},
): Promise<SlotContent> {
  const { slot } = manifest;
  const salt = Buffer.from(slot.salt, 'hex');
  const leaves = new Uint8Array((slot.data_bytes / BLOCK_BYTES) * HASH_BYTES);
  const tail = new Uint8Array(TAIL_BYTES);
  const buffer = new Uint8Array(HASH_STEP_BYTES);
  let firstBlock: Uint8Array | undefined;
  let at_bytes = 0;
  let held_bytes = 0;
  const settle = async () => {
    const blocks = buffer.subarray(0, held_bytes);
    firstBlock ??= blocks.slice(0, BLOCK_BYTES);
    hashBlocks(blocks, salt, leaves.subarray(((at_bytes - held_bytes) / BLOCK_BYTES) * HASH_BYTES));
    await keepData(blocks);
    held_bytes = 0;
  };
  for await (const part of parts) {
    if (at_bytes + part.length > slot.data_bytes + TAIL_BYTES)
      throw wrongLength(at_bytes + part.length, manifest);
    for (let taken_bytes = 0; taken_bytes < part.length; ) {
      const rest = part.subarray(taken_bytes);
      if (at_bytes >= slot.data_bytes) {
        tail.set(rest, at_bytes - slot.data_bytes);
        at_bytes += rest.length;
        break;
      }
      const some = rest.subarray(0, Math.min(buffer.length - held_bytes, slot.data_bytes - at_bytes));
      buffer.set(some, held_bytes);
      held_bytes += some.length;
      taken_bytes += some.length;
      at_bytes += some.length;
      if (held_bytes === buffer.length || at_bytes === slot.data_bytes) await settle();
    }
  }
  if (at_bytes !== slot.data_bytes + TAIL_BYTES) throw wrongLength(at_bytes, manifest);
  const { tree, root_hash } = hashTree(leaves, salt);
  if (root_hash !== slot.root_hash) {
    throw new BulkheadError(
      'BUNDLE_ROOT_MISMATCH',
      `what is in the bundle has root hash ${root_hash}, ${slot.root_hash} was signed`,
      {
        hint: 'the release was built wrongly, or the delta was applied to another base than it was made for',
      },
    );
  }
  checkSelfDescription(manifest, slotShape(manifest), firstBlock ?? new Uint8Array(0), tail);
  return { tail, tree };
}

function wrongLength(found_bytes: number, { slot }: BundleManifest): BulkheadError {
  return new BulkheadError(
    'BUNDLE_STREAM_LENGTH',
    `the pieces yield ${found_bytes} bytes, the slot needs ${slot.data_bytes + TAIL_BYTES}`,
  );
}
