import { createHash } from 'node:crypto';
import { BulkheadError } from '../../base/errors.ts';
import {
  BLOCK_BYTES,
  bootFileRuns,
  buildFooter,
  FOOTER_BYTES,
  footerOffset,
  parseFooter,
  SECTOR_BYTES,
  type SectorRun,
  type SlotManifest,
} from '../../partitions/slot-blob.ts';
import { HASH_BYTES, hashBlocks, hashTree, treeBytes } from '../../partitions/verity-tree.ts';
import { type ByteSource, readRange } from '../source.ts';
import { HASH_STEP_BYTES } from './limits.ts';

/** A slot image that was read whole and found to be what its footer says. */
export interface SlotImage {
  manifest: SlotManifest;
  /** Verity superblock and footer. */
  tail: Uint8Array;
  /** The levels of the hash tree as they lie on the slot. */
  tree: Uint8Array;
}

/**
 * Reads a slot image and compares everything that can be: header, footer, lengths, every block against the root hash, the tree,
 * and the digests that GRUB will ask for. A release is never made of an image that no machine could start.
 *
 * @param onProgress bytes of the data area that were hashed so far
 * @throws BulkheadError BUNDLE_SLOT_UNUSABLE, SLOT_FOOTER_DAMAGED, what the source throws
 */
export async function readSlotImage(
  source: ByteSource,
  onProgress: (done_bytes: number, total_bytes: number) => void = () => {},
): Promise<SlotImage> {
  const unusable = (why: string) => unusableSlot(source, why);
  const { manifest, footer } = await readSlotFooter(source);
  const { data_bytes, blob_bytes, verity } = manifest;
  const treeStart_bytes = data_bytes + BLOCK_BYTES;
  const footer_bytes = blob_bytes - FOOTER_BYTES;
  const salt = Buffer.from(verity.salt, 'hex');
  const leaves = await readLeaves(source, data_bytes, salt, onProgress);
  const { tree, root_hash } = hashTree(leaves, salt);
  if (root_hash !== verity.root_hash)
    throw unusable(`its data has root hash ${root_hash}, not that of its footer`);
  const treeOnDisk = await readRange(source, treeStart_bytes, footer_bytes);
  if (Buffer.compare(treeOnDisk, tree) !== 0) throw unusable('its hash tree is damaged');
  const runs = bootFileRuns(footer);
  if (!runs) throw unusable('its footer names no kernel');
  // What GRUB reads stands beside the manifest in its own form; both have to say the same.
  if (Buffer.compare(buildFooter(manifest, runs), footer) !== 0)
    throw unusable('its footer tells GRUB something else than its manifest');
  if ((await digestOfRun(source, runs.kernel, data_bytes)) !== manifest.kernel_sha256)
    throw unusable('its kernel does not have the digest of the footer');
  if ((await digestOfRun(source, runs.initrd, data_bytes)) !== manifest.initrd_sha256)
    throw unusable('its initrd does not have the digest of the footer');
  const superblock = await readRange(source, data_bytes, treeStart_bytes);
  return { manifest, tree, tail: Buffer.concat([superblock, footer]) };
}

/**
 * What a slot image says of itself, held against its own lengths only.
 *
 * @throws BulkheadError BUNDLE_SLOT_UNUSABLE, SLOT_FOOTER_DAMAGED, what the source throws
 */
export async function readSlotFooter(
  source: ByteSource,
): Promise<{ manifest: SlotManifest; footer: Uint8Array }> {
  const size_bytes = await source.size_bytes();
  if (size_bytes < FOOTER_BYTES) throw unusableSlot(source, `it has ${size_bytes} bytes`);
  const footer_bytes = footerOffset(await readRange(source, 0, SECTOR_BYTES));
  if (footer_bytes === undefined) throw unusableSlot(source, 'it has no slot header');
  if (footer_bytes + FOOTER_BYTES !== size_bytes)
    throw unusableSlot(source, `its header puts the footer at ${footer_bytes}, it has ${size_bytes} bytes`);
  const footer = await readRange(source, footer_bytes, size_bytes);
  const manifest = parseFooter(footer);
  const { data_bytes, blob_bytes, verity } = manifest;
  const data_blocks = data_bytes / BLOCK_BYTES;
  if (blob_bytes !== size_bytes || verity.data_blocks !== data_blocks)
    throw unusableSlot(source, 'its footer tells of another length');
  if (data_bytes + BLOCK_BYTES + treeBytes(data_blocks) !== footer_bytes)
    throw unusableSlot(source, 'its hash tree has another length');
  return { manifest, footer };
}

async function readLeaves(
  source: ByteSource,
  data_bytes: number,
  salt: Uint8Array,
  onProgress: (done_bytes: number, total_bytes: number) => void,
): Promise<Uint8Array> {
  const leaves = new Uint8Array((data_bytes / BLOCK_BYTES) * HASH_BYTES);
  for (let at_bytes = 0; at_bytes < data_bytes; at_bytes += HASH_STEP_BYTES) {
    const blocks = await readRange(source, at_bytes, Math.min(data_bytes, at_bytes + HASH_STEP_BYTES));
    hashBlocks(blocks, salt, leaves.subarray((at_bytes / BLOCK_BYTES) * HASH_BYTES));
    onProgress(at_bytes + blocks.length, data_bytes);
  }
  return leaves;
}

/** Undefined for a run that leads out of the data area, which is covered by the root hash. */
async function digestOfRun(
  source: ByteSource,
  { start, count }: SectorRun,
  data_bytes: number,
): Promise<string | undefined> {
  const end_bytes = (start + count) * SECTOR_BYTES;
  if (end_bytes > data_bytes) return undefined;
  const hash = createHash('sha256');
  for await (const part of source.read(start * SECTOR_BYTES, end_bytes)) hash.update(part);
  return hash.digest('hex');
}

function unusableSlot(source: ByteSource, why: string): BulkheadError {
  return new BulkheadError(
    'BUNDLE_SLOT_UNUSABLE',
    `${source.name} is no slot image to make a release of: ${why}`,
    {
      hint: 'npm run iso builds one: dist/bulkhead-<version>.slot',
    },
  );
}
