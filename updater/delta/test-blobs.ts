import { createHash } from 'node:crypto';
import type { BlobReader } from './blob-reader.ts';
import { decodePiece } from './decode.ts';
import { type EncodedPiece, encodeDelta } from './encode.ts';

/** Blobs for tests: bytes in memory that fail on any read outside of them, and noise that is the same in every run. */

export function memoryBlob(bytes: Uint8Array): BlobReader {
  return {
    size_bytes: bytes.length,
    read(offset_bytes, size_bytes) {
      if (offset_bytes < 0 || size_bytes < 0 || offset_bytes + size_bytes > bytes.length)
        throw new Error(`read of ${size_bytes} at ${offset_bytes} of ${bytes.length} bytes`);
      return bytes.subarray(offset_bytes, offset_bytes + size_bytes);
    },
  };
}

/** Bytes without any pattern, the same for the same seed: xorshift over 32 bits, made quickly. */
export function noise(seed: string, size_bytes: number): Uint8Array {
  let state = createHash('sha256').update(seed).digest().readUInt32LE() | 1;
  const words = new Uint32Array(Math.ceil(size_bytes / 4));
  for (let at = 0; at < words.length; at += 1) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[at] = Math.imul(state, 0x9e3779b1);
  }
  return new Uint8Array(words.buffer, 0, size_bytes);
}

/** Numbers from 0 up to, not including, 1, the same for the same seed. */
export function numbers(seed: string): () => number {
  const words = new Uint32Array(noise(seed, 2 ** 20).buffer);
  let at = 0;
  return () => {
    at = (at + 1) % words.length;
    return (words[at] ?? 0) / 2 ** 32;
  };
}

export function joined(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

export async function encoded(base: Uint8Array, target: Uint8Array): Promise<EncodedPiece[]> {
  return Array.fromAsync(encodeDelta(memoryBlob(base), memoryBlob(target)));
}

export function decoded(base: Uint8Array, pieces: readonly EncodedPiece[]): Uint8Array {
  const blob = memoryBlob(base);
  return joined(
    ...pieces.flatMap(({ payload, target_bytes }) =>
      Array.from(decodePiece(payload, blob, target_bytes), (part) => part.slice()),
    ),
  );
}

/** Bytes of all payloads, after checking that they yield the target. */
export async function cost(base: Uint8Array, target: Uint8Array): Promise<number> {
  const pieces = await encoded(base, target);
  if (Buffer.compare(decoded(base, pieces), target) !== 0) throw new Error('the delta yields something else');
  return pieces.reduce((sum, { payload }) => sum + payload.length, 0);
}
