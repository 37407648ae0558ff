import { createHash, type Hash } from 'node:crypto';
import { BLOCK_BYTES, type SlotManifest } from '../../partitions/slot-blob.ts';

/** What a pass over a slot blob shows. Two passes over equal bytes give equal values. */
export interface SlotDigestResult {
  /** dm-verity root hash, computed from the data alone; lower-case hex. */
  rootHash: string;
  /** The hash tree behind the data is the one that belongs to it. */
  treeIntact: boolean;
  /** SHA-256 of everything behind the data: superblock, tree, footer. */
  tail_sha256: string;
}

const HASH_BYTES = 32;
const HASHES_PER_BLOCK = BLOCK_BYTES / HASH_BYTES;

/**
 * Hashes a slot blob that streams by. Instead of one digest over all bytes it computes the dm-verity root, which costs the
 * same SHA-256 and shows more: comparing it with the manifest says whether the *medium* was sound, comparing two
 * passes says whether the *disk* holds what was written. Format: Documentation/admin-guide/device-mapper/verity.rst,
 * version 1: hash = SHA-256(salt ‖ block), tree from the root level down to the leaves behind one block of superblock.
 *
 * Memory: 32 bytes a block, 0.8 % of the blob.
 */
export class SlotDigest {
  private readonly salt: Uint8Array;
  private readonly leaves: Uint8Array;
  private readonly tail: Hash = createHash('sha256');
  private position_bytes = 0;
  private tree: Uint8Array | undefined;
  private rootHash = '';
  private treeDiffers = false;

  constructor(private readonly manifest: Pick<SlotManifest, 'data_bytes' | 'verity'>) {
    this.salt = Buffer.from(manifest.verity.salt, 'hex');
    this.leaves = new Uint8Array((manifest.data_bytes / BLOCK_BYTES) * HASH_BYTES);
  }

  /** @param bytes the next bytes of the blob, a multiple of BLOCK_BYTES */
  update(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; at += BLOCK_BYTES) {
      this.takeBlock(bytes.subarray(at, at + BLOCK_BYTES));
      this.position_bytes += BLOCK_BYTES;
    }
  }

  finish(): SlotDigestResult {
    const complete = this.position_bytes >= this.manifest.data_bytes + BLOCK_BYTES + (this.tree?.length ?? 0);
    return {
      rootHash: this.rootHash,
      treeIntact: complete && !this.treeDiffers,
      tail_sha256: this.tail.digest('hex'),
    };
  }

  private takeBlock(block: Uint8Array): void {
    const { data_bytes } = this.manifest;
    if (this.position_bytes < data_bytes) {
      this.leaves.set(this.hash(block), (this.position_bytes / BLOCK_BYTES) * HASH_BYTES);
      if (this.position_bytes + BLOCK_BYTES === data_bytes) this.buildTree();
      return;
    }
    this.tail.update(block);
    const inTree_bytes = this.position_bytes - data_bytes - BLOCK_BYTES;
    const expected =
      inTree_bytes < 0 ? undefined : this.tree?.subarray(inTree_bytes, inTree_bytes + BLOCK_BYTES);
    if (expected && expected.length > 0 && !Buffer.from(expected).equals(block)) this.treeDiffers = true;
  }

  private buildTree(): void {
    const levels: Uint8Array[] = [];
    let hashes = this.leaves;
    while (hashes.length > HASH_BYTES) {
      const blocks = Math.ceil(hashes.length / HASH_BYTES / HASHES_PER_BLOCK);
      const level = new Uint8Array(blocks * BLOCK_BYTES);
      level.set(hashes);
      levels.unshift(level);
      hashes = new Uint8Array(blocks * HASH_BYTES);
      for (let index = 0; index < blocks; index += 1) {
        hashes.set(
          this.hash(level.subarray(index * BLOCK_BYTES, (index + 1) * BLOCK_BYTES)),
          index * HASH_BYTES,
        );
      }
    }
    this.tree = new Uint8Array(Buffer.concat(levels));
    this.rootHash = Buffer.from(hashes).toString('hex');
  }

  private hash(block: Uint8Array): Uint8Array {
    return new Bun.CryptoHasher('sha256').update(this.salt).update(block).digest();
  }
}
