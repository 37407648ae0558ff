import { FLUSH_EVERY_MS } from '../limits.ts';
import type { SlotDevice } from './slot-device.ts';
import type { SlotWriter } from './slot-writer.ts';
import type { TransferJournal } from './transfer-journal.ts';

/**
 * Writes down how far a transfer has come, beside the transfer and not in its way. A checkpoint is in the journal as soon as the disk
 * has taken what it tells of: from there on it outlasts the process. Disk and journal are flushed every FLUSH_EVERY_MS, one
 * flush at a time: from there on it outlasts a power cut.
 */
export class Checkpoints {
  readonly #device: SlotDevice;
  readonly #writer: SlotWriter;
  readonly #journal: TransferJournal;
  readonly #now_ms: () => number;
  /** The last checkpoint is in the journal. */
  #kept: Promise<void> = Promise.resolve();
  /** The last flush, which ended or goes on. */
  #flushed: Promise<void> = Promise.resolve();
  #flushing = false;
  #begun_ms: number;

  constructor(
    device: SlotDevice,
    writer: SlotWriter,
    journal: TransferJournal,
    now_ms = () => performance.now(),
  ) {
    this.#device = device;
    this.#writer = writer;
    this.#journal = journal;
    this.#now_ms = now_ms;
    this.#begun_ms = now_ms();
  }

  /**
   * A transfer may go on here later. Waits for the checkpoint before this one, at most one is on its way.
   *
   * @param pieces that were taken
   * @throws BulkheadError UPDATE_STATE_UNWRITABLE, and what the device throws, as the others do but `end`
   */
  async mark(pieces: number): Promise<void> {
    await this.#kept;
    const stand = await this.#writer.handOver();
    const { leaves } = this.#writer;
    this.#kept = this.#writer.onDisk().then(() => {
      this.#journal.add(pieces, stand, leaves);
      this.#flushWhenDue();
    });
    // Thrown where it is awaited; until then a failure must not count as nobody's.
    this.#kept.catch(() => {});
  }

  /** Waits until the last checkpoint is in the journal. */
  kept(): Promise<void> {
    return this.#kept;
  }

  /** Waits until everything that was taken is on the disk, whatever happens to it from here on. */
  async settle(): Promise<void> {
    await this.#kept;
    await this.#writer.handOver();
    await this.#writer.onDisk();
    await this.#flushed;
    await this.#flush();
  }

  /** Something failed: waits for what is on its way, so that it counts, and nothing goes on behind. Throws nothing. */
  async end(): Promise<void> {
    await Promise.allSettled([this.#kept, this.#writer.onDisk()]);
    await Promise.allSettled([this.#flushed]);
  }

  #flushWhenDue(): void {
    if (this.#flushing || this.#now_ms() - this.#begun_ms < FLUSH_EVERY_MS) return;
    const before = this.#flushed;
    this.#flushed = before.then(() => this.#flush());
    // Thrown by `settle`; a disk that cannot flush fails every update.
    this.#flushed.catch(() => {});
  }

  async #flush(): Promise<void> {
    this.#flushing = true;
    this.#begun_ms = this.#now_ms();
    try {
      await this.#device.flush();
      await this.#journal.flush();
    } finally {
      this.#flushing = false;
    }
  }
}
