import { closeSync, mkdtempSync, openSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { run, runOrThrow } from '../../../base/run.ts';
import { extractRange } from '../harness/disk.ts';
import { DISK_TOOL_TIMEOUT_MS } from '../harness/limits.ts';
import type { DiskShape } from './disk-shape.ts';

const PART_BYTES = 1024 * 1024;

/** A stretch of bytes on the data partition. */
export interface DataWrite {
  /** From the start of the partition. */
  offset_bytes: number;
  size_bytes: number;
  read(from_bytes: number, to_bytes: number): Uint8Array;
}

/** The data partition as a sparse file: a copy costs what was ever written, not what the partition could hold. */
export class DataImage {
  readonly path: string;
  readonly #file: number;

  private constructor(path: string) {
    this.path = path;
    this.#file = openSync(path, 'r+');
  }

  /** The data partition of a disk. */
  static async of(base: string, shape: DiskShape, path: string): Promise<DataImage> {
    const { start_bytes, end_bytes } = shape.data;
    await extractRange({ path: base, format: 'raw' }, start_bytes, end_bytes - start_bytes, path);
    return new DataImage(path);
  }

  /** A copy for a program that changes it, with further writes on top, in a new folder below the one given. */
  async copy(folder: string, writes: readonly DataWrite[]): Promise<{ folder: string; image: string }> {
    const place = mkdtempSync(join(folder, 'look-'));
    const image = join(place, 'image');
    await runOrThrow(run, 'cp', ['--sparse=auto', this.path, image], { timeout_ms: DISK_TOOL_TIMEOUT_MS });
    const copy = new DataImage(image);
    for (const write of writes) copy.write(write);
    copy.close();
    return { folder: place, image };
  }

  write({ offset_bytes, size_bytes, read }: DataWrite): void {
    for (let from_bytes = 0; from_bytes < size_bytes; from_bytes += PART_BYTES) {
      const data = read(from_bytes, Math.min(size_bytes, from_bytes + PART_BYTES));
      // Zeros over zeros: the kernel clears whole tables of a new file system, and a hole may stay one.
      if (isZero(data) && isZero(this.#read(offset_bytes + from_bytes, data.length))) continue;
      for (let put_bytes = 0; put_bytes < data.length; ) {
        const rest_bytes = data.length - put_bytes;
        put_bytes += writeSync(
          this.#file,
          data,
          put_bytes,
          rest_bytes,
          offset_bytes + from_bytes + put_bytes,
        );
      }
    }
  }

  close(): void {
    closeSync(this.#file);
  }

  #read(offset_bytes: number, size_bytes: number): Uint8Array {
    const bytes = new Uint8Array(size_bytes);
    readSync(this.#file, bytes, 0, size_bytes, offset_bytes);
    return bytes;
  }
}

function isZero(bytes: Uint8Array): boolean {
  return (
    bytes.length === 0 || (bytes[0] === 0 && Buffer.compare(bytes.subarray(1), bytes.subarray(0, -1)) === 0)
  );
}
