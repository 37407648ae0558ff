import { createHash } from 'node:crypto';
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { deflateSync } from 'node:zlib';
import { RAUC_CHUNK_BYTES, RAUC_HASH_BYTES, SQUASHFS_BLOCK_BYTES } from './limits.ts';

/**
 * What rauc's adaptive mode `block-hash-index` would fetch, computed as it does (rauc 1.8, src/hash_index.c and
 * src/update_handler.c): it hashes the running slot in chunks of 4 KiB, reads the index of the image, takes the chunks it has and reads
 * the others from the bundle. The bundle is a squashfs, so a chunk costs the compressed block it lies in, once: the page
 * cache keeps it. The dm-verity tree of the bundle and its signature, which are fetched as well, are left out in rauc's favour.
 */
export interface RaucAdaptive {
  index_bytes: number;
  /** Compressed blocks of the squashfs. */
  payload_bytes: number;
  /** Chunks that the base does not have. */
  new_chunks: number;
}

export function computeRaucAdaptive(baseFile: string, targetFile: string): RaucAdaptive {
  const known = new Set<string>();
  let total = 0;
  for (const block of blocksOf(baseFile)) for (const hash of chunkHashes(block)) known.add(hash);
  let payload_bytes = 0;
  let new_chunks = 0;
  for (const block of blocksOf(targetFile)) {
    const hashes = chunkHashes(block);
    const missing = hashes.filter((hash) => !known.has(hash));
    // What was fetched once is on the target slot and is found there.
    for (const hash of missing) known.add(hash);
    total += hashes.length;
    new_chunks += missing.length;
    // gzip is what mksquashfs and so rauc take unless told otherwise; it keeps a block that does not shrink.
    if (missing.length > 0) payload_bytes += Math.min(block.length, deflateSync(block, { level: 9 }).length);
  }
  return { index_bytes: total * RAUC_HASH_BYTES, payload_bytes, new_chunks };
}

/** Different blocks in the beginning of one file that the beginning of another does not have: the least that any fetcher of blocks needs. */
export function countNewBlocks(
  base: { file: string; end_bytes: number },
  target: { file: string; end_bytes: number },
): number {
  const known = new Set<string>();
  for (const block of blocksOf(base.file, base.end_bytes))
    for (const hash of chunkHashes(block)) known.add(hash);
  const before = known.size;
  for (const block of blocksOf(target.file, target.end_bytes))
    for (const hash of chunkHashes(block)) known.add(hash);
  return known.size - before;
}

function chunkHashes(block: Uint8Array): string[] {
  const count = Math.ceil(block.length / RAUC_CHUNK_BYTES);
  return Array.from({ length: count }, (_, chunk) =>
    createHash('sha256')
      .update(block.subarray(chunk * RAUC_CHUNK_BYTES, (chunk + 1) * RAUC_CHUNK_BYTES))
      .digest('latin1'),
  );
}

function* blocksOf(path: string, end_bytes = Number.POSITIVE_INFINITY): Generator<Uint8Array> {
  const file = openSync(path, 'r');
  try {
    const size = Math.min(fstatSync(file).size, end_bytes);
    for (let at = 0; at < size; at += SQUASHFS_BLOCK_BYTES) {
      const block = new Uint8Array(Math.min(SQUASHFS_BLOCK_BYTES, size - at));
      readSync(file, block, 0, block.length, at);
      yield block;
    }
  } finally {
    closeSync(file);
  }
}
