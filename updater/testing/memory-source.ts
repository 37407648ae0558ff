import type { ByteSource } from '../source.ts';

/** A source that counts what is asked of it. */
export interface MemorySource extends ByteSource {
  /** The most that was asked for at once. */
  readonly largest_bytes: number;
  readonly total_bytes: number;
}

/** Bytes as a source, in parts of `part_bytes`; throws on a range that leads out of them. */
export function memorySource(bytes: Uint8Array, part_bytes = 65_536): MemorySource {
  const asked = { largest_bytes: 0, total_bytes: 0 };
  return {
    name: 'memory',
    get largest_bytes() {
      return asked.largest_bytes;
    },
    get total_bytes() {
      return asked.total_bytes;
    },
    size_bytes: async () => bytes.length,
    async *read(start_bytes, end_bytes) {
      if (start_bytes < 0 || end_bytes > bytes.length || start_bytes > end_bytes)
        throw new Error(`${start_bytes} to ${end_bytes} of ${bytes.length} bytes`);
      asked.largest_bytes = Math.max(asked.largest_bytes, end_bytes - start_bytes);
      asked.total_bytes += end_bytes - start_bytes;
      for (let at = start_bytes; at < end_bytes; at += part_bytes)
        // A copy: a part belongs to the reader. (`slice` of a Buffer would share its memory.)
        yield Uint8Array.from(bytes.subarray(at, Math.min(end_bytes, at + part_bytes)));
    },
    close: async () => {},
  };
}
