import { BLOCK_BYTES } from '../../partitions/slot-blob.ts';
import { GROUP_BLOCKS } from './limits.ts';

/**
 * A file of packed blocks, out of which single blocks of a data area are fetched by range. Beside a bundle `NAME` it is
 * `NAME.blocks`. Numbers are little-endian.
 *
 * ```
 * 0    magic     BULKHEAD-BLOCKS1
 * 16   lengths   16 bits a block: bytes that are stored of it, 1 to 4096
 * …    places    64 bits a group of 128 blocks: where its first block is stored
 * …    blocks    one behind the other
 * ```
 *
 * A block of 4096 stored bytes is stored as it is; a shorter one is a zstd frame without its first seven bytes, which are the same for
 * every frame of 4096 bytes in one segment. So nothing in the file says how long a block is when it is unpacked, and
 * nothing in it has to be believed: what comes out has the hash that the signed tree says, or it is refused.
 */
export const PACKED_MAGIC = 'BULKHEAD-BLOCKS1';
const LENGTH_BYTES = 2;
const PLACE_BYTES = 8;

/** Magic number of zstd, a descriptor of one segment with a content size of 16 bits, and 4096 - 256 (RFC 8878, section 3.1.1.1). */
const FRAME_HEAD = Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0x60, 0x00, 0x0f);

/** Where the lengths of a group are, and where its place is; ends not included. */
export function packedLayout(data_blocks: number) {
  const places_bytes = PACKED_MAGIC.length + data_blocks * LENGTH_BYTES;
  const groups = Math.ceil(data_blocks / GROUP_BLOCKS);
  return {
    groups,
    head_bytes: places_bytes + groups * PLACE_BYTES,
    lengthsOf: (group: number) => ({
      start_bytes: PACKED_MAGIC.length + group * GROUP_BLOCKS * LENGTH_BYTES,
      end_bytes: PACKED_MAGIC.length + Math.min(data_blocks, (group + 1) * GROUP_BLOCKS) * LENGTH_BYTES,
    }),
    placeOf: (group: number) => ({
      start_bytes: places_bytes + group * PLACE_BYTES,
      end_bytes: places_bytes + (group + 1) * PLACE_BYTES,
    }),
  };
}

/** What stands in front of the blocks. @param lengths of all blocks as they are stored */
export function packedHead(lengths: readonly number[]): Uint8Array {
  const layout = packedLayout(lengths.length);
  const head = Buffer.alloc(layout.head_bytes);
  head.write(PACKED_MAGIC, 'latin1');
  let place_bytes = layout.head_bytes;
  for (const [block, length] of lengths.entries()) {
    head.writeUInt16LE(length, PACKED_MAGIC.length + block * LENGTH_BYTES);
    if (block % GROUP_BLOCKS === 0)
      head.writeBigUInt64LE(BigInt(place_bytes), layout.placeOf(block / GROUP_BLOCKS).start_bytes);
    place_bytes += length;
  }
  return head;
}

/** A block as it is stored; itself where it does not shrink. @param level of zstd */
export function packBlock(block: Uint8Array, level: number): Uint8Array {
  const frame = Bun.zstdCompressSync(block, { level });
  const head = frame.subarray(0, FRAME_HEAD.length);
  const shrinks = Buffer.compare(head, FRAME_HEAD) === 0 && frame.length - head.length < BLOCK_BYTES;
  return shrinks ? frame.subarray(head.length) : block;
}

/** Room for the longest frame, its head in place. */
export function frameRoom(): Uint8Array {
  const room = new Uint8Array(FRAME_HEAD.length + BLOCK_BYTES);
  room.set(FRAME_HEAD);
  return room;
}

/**
 * The block that is stored, or bytes that nobody expects: only its hash tells.
 *
 * @param room of `frameRoom`, used again for every block
 * @returns undefined where it cannot be unpacked
 */
export function unpackBlock(stored: Uint8Array, room: Uint8Array): Uint8Array | undefined {
  if (stored.length === BLOCK_BYTES) return stored;
  room.set(stored, FRAME_HEAD.length);
  try {
    const block = Bun.zstdDecompressSync(room.subarray(0, FRAME_HEAD.length + stored.length));
    return block.length === BLOCK_BYTES ? block : undefined;
  } catch {
    // Damaged on the server or on the way: as wrong as one whose hash differs.
    return undefined;
  }
}
