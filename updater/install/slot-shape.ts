import { createHash } from 'node:crypto';
import { BulkheadError } from '../../base/errors.ts';
import {
  BLOCK_BYTES,
  FOOTER_BYTES,
  footerOffset,
  parseFooter,
  SECTOR_BYTES,
} from '../../partitions/slot-blob.ts';
import { treeBytes } from '../../partitions/verity-tree.ts';
import { type BundleManifest, TAIL_BYTES } from '../bundle/manifest.ts';

/** Where the parts of a slot lie. */
export interface SlotShape {
  data_bytes: number;
  data_blocks: number;
  /** Of the levels, without the superblock in front of them. */
  tree_bytes: number;
  /** Everything: data, superblock, tree, footer. */
  blob_bytes: number;
}

/** @throws BulkheadError BUNDLE_INCOHERENT when the promised length is not the length of its parts */
export function slotShape({ slot }: BundleManifest): SlotShape {
  const data_blocks = slot.data_bytes / BLOCK_BYTES;
  const tree_bytes = treeBytes(data_blocks);
  const blob_bytes = slot.data_bytes + tree_bytes + TAIL_BYTES;
  if (blob_bytes !== slot.blob_bytes) {
    throw new BulkheadError(
      'BUNDLE_INCOHERENT',
      `the bundle promises a slot of ${slot.blob_bytes} bytes, its parts have ${blob_bytes}`,
    );
  }
  return { data_bytes: slot.data_bytes, data_blocks, tree_bytes, blob_bytes };
}

/**
 * What is behind the data area: superblock, tree, footer, as they lie on the disk.
 *
 * @param tail superblock and footer, TAIL_BYTES
 */
export function slotEnd(tail: Uint8Array, tree: Uint8Array): Uint8Array {
  const end = new Uint8Array(BLOCK_BYTES + tree.length + FOOTER_BYTES);
  end.set(tail.subarray(0, BLOCK_BYTES), 0);
  end.set(tree, BLOCK_BYTES);
  end.set(tail.subarray(BLOCK_BYTES), BLOCK_BYTES + tree.length);
  return end;
}

/**
 * The slot must say of itself what was signed about it, or GRUB and gate would act on something else.
 *
 * @param firstBlock of the data area, with the header in it
 * @throws BulkheadError UPDATE_TAIL_MISMATCH, UPDATE_SLOT_INCOHERENT
 */
export function checkSelfDescription(
  manifest: BundleManifest,
  shape: SlotShape,
  firstBlock: Uint8Array,
  tail: Uint8Array,
): void {
  const { slot } = manifest;
  if (createHash('sha256').update(tail).digest('hex') !== slot.tail_sha256)
    throw new BulkheadError('UPDATE_TAIL_MISMATCH', 'superblock and footer are not those that were signed');
  const inside = parseFooter(tail.subarray(BLOCK_BYTES));
  const footerAt = footerOffset(firstBlock.subarray(0, SECTOR_BYTES));
  const differs = (
    [
      ['version', inside.version, manifest.version],
      ['root hash', inside.verity.root_hash, slot.root_hash],
      ['salt', inside.verity.salt, slot.salt],
      ['data length', inside.data_bytes, slot.data_bytes],
      ['slot length', inside.blob_bytes, slot.blob_bytes],
      ['place of the footer', footerAt, shape.blob_bytes - FOOTER_BYTES],
    ] as const
  ).find(([, said, signed]) => said !== signed);
  if (differs) {
    throw new BulkheadError(
      'UPDATE_SLOT_INCOHERENT',
      `the slot image says ${differs[0]} ${differs[1] ?? 'nothing'}, the signed manifest ${differs[2]}`,
      { hint: 'the release was built wrongly; nothing was armed' },
    );
  }
}
