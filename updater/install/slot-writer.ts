import { BulkheadError } from '../../base/errors.ts';
import { BLOCK_BYTES } from '../../partitions/slot-blob.ts';
import { HASH_BYTES } from '../../partitions/verity-tree.ts';
import { TAIL_BYTES } from '../bundle/manifest.ts';
import { WRITE_BUFFER_BYTES } from '../limits.ts';
import { BlockHasher, type SlotBuffer, slotBuffer } from './slot-buffer.ts';
import type { SlotDevice } from './slot-device.ts';
import type { SlotShape } from './slot-shape.ts';
import { stretchDigest, type WrittenStretch } from './written-stretch.ts';

/** What a writer has to know to go on where another one was cut off. */
export interface WriterStand {
  /** Bytes of the target stream that were taken. */
  position_bytes: number;
  /** The first block, which is not on the disk until the very end. */
  firstBlock: Uint8Array;
  /** Bytes taken behind the last whole block that is on the disk: the beginning of a block, or of the tail. */
  rest: Uint8Array;
  /** Hashes of the blocks before that. */
  leaves: Uint8Array;
  /** The same blocks as they are on the disk, but for the first. */
  stretches: readonly WrittenStretch[];
}

/** A buffer, and what of it is on its way to the disk. */
interface Place {
  readonly buffer: SlotBuffer;
  written: Promise<void>;
}

function newPlace(): Place {
  return { buffer: slotBuffer(), written: Promise.resolve() };
}

/**
 * Takes the target stream in order (data area, then tail) and writes the data area, hashing as it goes. The first
 * block, which holds the header that makes a slot of it, stays in memory: a slot that is only half written has no
 * header, so GRUB never starts it.
 */
export class SlotWriter {
  readonly leaves: Uint8Array;
  /** What was given to the disk: everything from the second block on, without gaps. */
  readonly stretches: WrittenStretch[] = [];
  readonly firstBlock: Uint8Array;
  readonly tail = new Uint8Array(TAIL_BYTES);
  #position_bytes = 0;
  readonly #places: readonly [Place, ...Place[]] = [newPlace(), newPlace(), newPlace()];
  /** Number of the one that is filled, counted on for ever. */
  #turn = 0;
  #bufferStart_bytes = 0;
  #fill_bytes = 0;
  /** Everything that was given to the disk so far. */
  #written: Promise<void> = Promise.resolve();
  readonly #device: SlotDevice;
  readonly #shape: SlotShape;
  readonly #hasher: BlockHasher;

  constructor(device: SlotDevice, shape: SlotShape, salt: Uint8Array, stand?: WriterStand) {
    this.#device = device;
    this.#shape = shape;
    this.#hasher = new BlockHasher(salt);
    this.leaves = new Uint8Array(shape.data_blocks * HASH_BYTES);
    this.firstBlock = new Uint8Array(BLOCK_BYTES);
    if (stand) this.#resume(stand);
  }

  get position_bytes(): number {
    return this.#position_bytes;
  }

  /** @throws BulkheadError UPDATE_STREAM_TOO_LONG; what the device throws */
  async put(bytes: Uint8Array): Promise<void> {
    let taken_bytes = 0;
    while (taken_bytes < bytes.length) {
      const rest = bytes.subarray(taken_bytes);
      taken_bytes +=
        this.#position_bytes < this.#shape.data_bytes ? await this.#putData(rest) : this.#putTail(rest);
    }
  }

  /**
   * Gives the disk all whole blocks that were taken.
   *
   * @returns what to journal once the disk has taken them, which `onDisk` waits for
   */
  async handOver(): Promise<Omit<WriterStand, 'leaves' | 'stretches'>> {
    await this.#writeWholeBlocks();
    const inTail_bytes = this.#position_bytes - this.#shape.data_bytes;
    const rest =
      inTail_bytes > 0
        ? this.tail.subarray(0, inTail_bytes)
        : this.#filling.buffer.bytes.subarray(0, this.#fill_bytes);
    return { position_bytes: this.#position_bytes, firstBlock: this.firstBlock, rest: Uint8Array.from(rest) };
  }

  /** Waits until the disk has taken what it was given up to now. It may still be in a cache of its own. */
  onDisk(): Promise<void> {
    return this.#written;
  }

  /** All buffers, for somebody else to use when everything was put and is on the disk; the writer has no more need of them. */
  buffers(): readonly [SlotBuffer, ...SlotBuffer[]] {
    const [first, ...others] = this.#places;
    return [first.buffer, ...others.map(({ buffer }) => buffer)];
  }

  get #filling(): Place {
    return this.#places[this.#turn % this.#places.length] ?? this.#places[0];
  }

  #resume({ position_bytes, firstBlock, rest, leaves, stretches }: WriterStand): void {
    this.stretches.push(...stretches);
    this.#position_bytes = position_bytes;
    this.firstBlock.set(firstBlock);
    this.leaves.set(leaves);
    if (position_bytes > this.#shape.data_bytes) {
      this.tail.set(rest);
      return;
    }
    this.#filling.buffer.bytes.set(rest);
    this.#fill_bytes = rest.length;
    this.#bufferStart_bytes = position_bytes - rest.length;
  }

  async #putData(bytes: Uint8Array): Promise<number> {
    const take_bytes = Math.min(
      bytes.length,
      WRITE_BUFFER_BYTES - this.#fill_bytes,
      this.#shape.data_bytes - this.#position_bytes,
    );
    this.#filling.buffer.bytes.set(bytes.subarray(0, take_bytes), this.#fill_bytes);
    this.#fill_bytes += take_bytes;
    this.#position_bytes += take_bytes;
    if (this.#fill_bytes === WRITE_BUFFER_BYTES || this.#position_bytes === this.#shape.data_bytes)
      await this.#writeWholeBlocks();
    return take_bytes;
  }

  #putTail(bytes: Uint8Array): number {
    const at_bytes = this.#position_bytes - this.#shape.data_bytes;
    const take_bytes = Math.min(bytes.length, TAIL_BYTES - at_bytes);
    if (take_bytes === 0) {
      throw new BulkheadError(
        'UPDATE_STREAM_TOO_LONG',
        `the payload yields more than the ${this.#shape.data_bytes + TAIL_BYTES} bytes of the slot`,
      );
    }
    this.tail.set(bytes.subarray(0, take_bytes), at_bytes);
    this.#position_bytes += take_bytes;
    return take_bytes;
  }

  /** The other buffers are on their way to the disk while one is filled and hashed. */
  async #writeWholeBlocks(): Promise<void> {
    const whole_bytes = this.#fill_bytes - (this.#fill_bytes % BLOCK_BYTES);
    if (whole_bytes === 0) return;
    const start_bytes = this.#bufferStart_bytes;
    const full = this.#filling;
    const { buffer } = full;
    const place = (start_bytes / BLOCK_BYTES) * HASH_BYTES;
    this.#hasher.hash(buffer, whole_bytes / BLOCK_BYTES, this.leaves, place);
    if (start_bytes === 0) {
      this.firstBlock.set(buffer.bytes.subarray(0, BLOCK_BYTES));
      buffer.bytes.fill(0, 0, BLOCK_BYTES);
    }
    this.#note(buffer, start_bytes, start_bytes + whole_bytes);
    full.written = this.#device.write(start_bytes, buffer.bytes.subarray(0, whole_bytes));
    const before = this.#written;
    this.#written = full.written.then(() => before);
    // A failure is thrown where it is awaited; until then it must not count as nobody's.
    this.#written.catch(() => {});
    this.#turn += 1;
    await this.#filling.written;
    this.#filling.buffer.bytes.set(buffer.bytes.subarray(whole_bytes, this.#fill_bytes));
    this.#bufferStart_bytes += whole_bytes;
    this.#fill_bytes -= whole_bytes;
  }

  #note({ bytes }: SlotBuffer, buffer_bytes: number, end_bytes: number): void {
    const start_bytes = Math.max(buffer_bytes, BLOCK_BYTES);
    if (start_bytes === end_bytes) return;
    const digest = stretchDigest(bytes.subarray(start_bytes - buffer_bytes, end_bytes - buffer_bytes));
    this.stretches.push({ start_bytes, end_bytes, digest });
  }
}
