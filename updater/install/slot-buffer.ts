import { alignedBuffer } from '../../base/direct-io.ts';
import { BLOCK_BYTES } from '../../partitions/slot-blob.ts';
import { HASH_BYTES } from '../../partitions/verity-tree.ts';
import { WRITE_BUFFER_BYTES } from '../limits.ts';

/** Bytes on their way to the disk or back, and the blocks in them. */
export interface SlotBuffer {
  readonly bytes: Uint8Array;
  /** Made once: 64,000 blocks pass by twice, and a view for each time is memory until the next garbage collection. */
  readonly blocks: readonly Uint8Array[];
}

/** @param size_bytes a whole number of blocks */
export function slotBuffer(size_bytes = WRITE_BUFFER_BYTES): SlotBuffer {
  const bytes = alignedBuffer(size_bytes);
  const blocks = Array.from({ length: size_bytes / BLOCK_BYTES }, (_, block) =>
    bytes.subarray(block * BLOCK_BYTES, (block + 1) * BLOCK_BYTES),
  );
  return { bytes, blocks };
}

/** Bun asks for room for the longest digest it knows, whatever the algorithm. */
const DIGEST_ROOM_BYTES = 64;

/** The same hashes as `hashBlocks` of partitions/verity-tree.ts, of what is in a buffer, without making garbage. */
export class BlockHasher {
  readonly #salt: Uint8Array;
  // A digest leaves it as new.
  readonly #hasher = new Bun.CryptoHasher('sha256');
  readonly #digest = new Uint8Array(DIGEST_ROOM_BYTES);
  readonly #hash = this.#digest.subarray(0, HASH_BYTES);

  constructor(salt: Uint8Array) {
    this.#salt = salt;
  }

  /**
   * @param count of the blocks at the beginning of the buffer
   * @param into where their hashes go, one behind the other
   * @param place of the first one in it, in bytes
   */
  hash({ blocks }: SlotBuffer, count: number, into: Uint8Array, place: number): void {
    for (let at = 0; at < count; at += 1) {
      const block = blocks[at];
      if (!block) throw new RangeError(`a buffer has ${blocks.length} blocks, ${count} were asked for`);
      this.#hasher.update(this.#salt).update(block).digest(this.#digest);
      into.set(this.#hash, place + at * HASH_BYTES);
    }
  }
}
