import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { BulkheadError } from '../../../base/errors.ts';
import { ENTRY_DATA_MAX_BYTES } from './limits.ts';

/**
 * A log of everything a machine wrote to one disk, in the format of Linux's dm-log-writes as QEMU's `blklogwrites` writes
 * it (drivers/md/dm-log-writes.c; QEMU block/blklogwrites.c). All fields are little-endian, every part starts on a sector:
 *
 * ```
 * 0          superblock   magic 64, version 64, entries 64, sector size 32
 * sector 1 … entries      sector 64, sectors 64, flags 64, length 64; then the data, if there are any
 * ```
 *
 * QEMU logs a write when the file below has taken it, and a flush when it has ended. So what stands behind a flush came
 * after it; a write that was under way while the flush ran stands in front of it.
 */
const MAGIC = 0x6a736677736872n;
const VERSION = 1n;
const SUPERBLOCK_BYTES = 28;
const HEADER_BYTES = 32;
const SECTOR_SIZES_BYTES: readonly number[] = [512, 1024, 2048, 4096];

const FLUSH = 1;
const FUA = 2;
const DISCARD = 4;
const MARK = 8;
const METADATA = 16;
const KNOWN_FLAGS = FLUSH | FUA | DISCARD | MARK | METADATA;

export interface LogEntry {
  /** From 0. */
  number: number;
  /** `discard`: a write of zeros, as far as anybody may rely on it. */
  kind: 'write' | 'discard' | 'flush' | 'mark';
  /** Everything before this entry is on the medium. True for a flush, and for a write that asked for one first. */
  flushesBefore: boolean;
  /** On the medium when it was reported written. */
  fua: boolean;
  /** On the disk. */
  offset_bytes: number;
  size_bytes: number;
  /** Where the data lie in the log. */
  data_at_bytes: number;
}

/** An open log, read entry by entry: it may be larger than memory. */
export class WriteLog {
  readonly entries: number;
  readonly sector_bytes: number;
  readonly #path: string;
  readonly #file: number;
  readonly #size_bytes: number;

  /** @throws BulkheadError POWER_LOG_DAMAGED */
  constructor(path: string) {
    this.#path = path;
    this.#file = openSync(path, 'r');
    this.#size_bytes = fstatSync(this.#file).size;
    const superblock = this.#readAt(0, SUPERBLOCK_BYTES);
    if (superblock.readBigUInt64LE(0) !== MAGIC) {
      throw this.#damaged('it does not begin with the magic number', {
        hint: 'QEMU writes the superblock with the first flush of the guest, and with every one after it',
      });
    }
    if (superblock.readBigUInt64LE(8) !== VERSION)
      throw this.#damaged(`version ${superblock.readBigUInt64LE(8)} is not known`);
    this.entries = Number(superblock.readBigUInt64LE(16));
    this.sector_bytes = superblock.readUInt32LE(24);
    if (!SECTOR_SIZES_BYTES.includes(this.sector_bytes))
      throw this.#damaged(`its sectors have ${this.sector_bytes} bytes`);
  }

  /**
   * All entries in order. Every header is checked before anybody sees it.
   *
   * @param disk_bytes size of the disk that was written to
   * @throws BulkheadError POWER_LOG_DAMAGED
   */
  *read(disk_bytes: number): Generator<LogEntry> {
    let at_bytes = this.sector_bytes;
    for (let number = 0; number < this.entries; number += 1) {
      const entry = this.#entry(number, at_bytes, disk_bytes);
      at_bytes = entry.data_at_bytes + this.#dataIn(entry);
      if (at_bytes > this.#size_bytes) throw this.#damaged(`it ends inside entry ${number}`);
      yield entry;
    }
  }

  /** What was written, or a part of it; zeros for a discard, which may be as long as the disk. */
  data(entry: LogEntry, from_bytes = 0, to_bytes = entry.size_bytes): Uint8Array {
    return entry.kind === 'write'
      ? this.#readAt(entry.data_at_bytes + from_bytes, to_bytes - from_bytes)
      : new Uint8Array(to_bytes - from_bytes);
  }

  close(): void {
    closeSync(this.#file);
  }

  #entry(number: number, at_bytes: number, disk_bytes: number): LogEntry {
    const header = this.#readAt(at_bytes, HEADER_BYTES);
    const field = (place: number) => Number(header.readBigUInt64LE(place * 8));
    const flags = field(2);
    const offset_bytes = field(0) * this.sector_bytes;
    const size_bytes = field(1) * this.sector_bytes;
    const is = (flag: number) => (flags & flag) !== 0;
    const kind = is(MARK) ? 'mark' : is(DISCARD) ? 'discard' : size_bytes === 0 ? 'flush' : 'write';
    const wrong = (why: string) => this.#damaged(`entry ${number} of ${this.entries} ${why}`);
    if (flags > KNOWN_FLAGS) throw wrong(`has flags ${flags}`);
    if (kind === 'flush' && !is(FLUSH)) throw wrong('writes nothing and is no flush');
    if (kind !== 'mark' && field(3) !== 0) throw wrong(`has ${field(3)} bytes of its own`);
    if (offset_bytes + size_bytes > disk_bytes) throw wrong(`writes behind the end of the disk`);
    if (kind === 'write' && size_bytes > ENTRY_DATA_MAX_BYTES)
      throw wrong(`writes ${size_bytes} bytes at once`);
    return {
      ...{ number, kind, flushesBefore: is(FLUSH), fua: is(FUA), offset_bytes, size_bytes },
      data_at_bytes: at_bytes + this.sector_bytes,
    };
  }

  /** Bytes of data that follow an entry. The text of a mark lies in its own sector. */
  #dataIn({ kind, size_bytes }: LogEntry): number {
    return kind === 'write' ? size_bytes : 0;
  }

  #readAt(at_bytes: number, size_bytes: number): Buffer {
    const buffer = Buffer.allocUnsafe(size_bytes);
    const got_bytes = readSync(this.#file, buffer, 0, size_bytes, at_bytes);
    if (got_bytes !== size_bytes) throw this.#damaged(`it ends at byte ${this.#size_bytes}`);
    return buffer;
  }

  #damaged(why: string, options: { hint?: string } = {}): BulkheadError {
    return new BulkheadError(
      'POWER_LOG_DAMAGED',
      `the log of writes ${this.#path} is damaged: ${why}`,
      options,
    );
  }
}
