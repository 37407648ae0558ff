import { createHash } from 'node:crypto';
import { availableParallelism } from 'node:os';
import type { Envelope, Signer } from '../../base/signing/dsse.ts';
import { formatInstant } from '../../base/signing/instant.ts';
import { BLOCK_BYTES } from '../../partitions/slot-blob.ts';
import { PACK_ZSTD_LEVEL } from '../blocks/limits.ts';
import { packBlock, packedHead, packedLayout } from '../blocks/packed-format.ts';
import { serialiseKeysetFile } from '../signing/keyset-file.ts';
import { readRange } from '../source.ts';
import { assembleBundle, replaceFile, type WrittenBundle } from './assemble.ts';
import { compressPieces, type EncodedPiece } from './compress.ts';
import { fileSource } from './file-source.ts';
import { FILE_READ_BYTES, ZSTD_LEVEL } from './limits.ts';
import type { BundleManifest } from './manifest.ts';
import { readSlotImage, type SlotImage } from './slot-image.ts';

/** What a full bundle is made of. */
export interface BundleContent {
  /** Path of the slot image. */
  slot_image: string;
  sbom?: Uint8Array;
  provenance?: Uint8Array;
  /** The chain of key sets up to the newest; left out where no appliance lacks one. */
  keysets?: readonly Envelope[];
  /** RFC 3339 in UTC. */
  expires?: string;
  /** Lowest version that may be replaced. */
  replaces_min?: string;
  signers: readonly Signer[];
  /** 1 to 22; ZSTD_LEVEL unless given. */
  zstd_level?: number;
  onProgress?: (progress: WriteProgress) => void;
}

export interface WriteProgress {
  /** `check`: a slot image is read; `compare`: what a delta can copy is looked for; `encode`: the pieces are made. */
  phase: 'check' | 'compare' | 'encode';
  /** Of the slot. */
  done_bytes: number;
  total_bytes: number;
}

/**
 * Makes a full bundle of a slot image, which is checked whole before. The same input gives the same bytes.
 *
 * @throws BulkheadError BUNDLE_SLOT_UNUSABLE and what assembleBundle throws
 */
export async function writeBundle(output: string, content: BundleContent): Promise<WrittenBundle> {
  const source = fileSource(content.slot_image);
  try {
    const { onProgress } = content;
    const image = await readSlotImage(source, (done_bytes, total_bytes) =>
      onProgress?.({ phase: 'check', done_bytes, total_bytes }),
    );
    const { keysets, sbom, provenance, zstd_level = ZSTD_LEVEL } = content;
    const { data_bytes } = image.manifest;
    const pieces = compressPieces(source, data_bytes, zstd_level, availableParallelism());
    return await assembleBundle(output, {
      manifest: manifestFields(image, content),
      documents: {
        ...(keysets ? { keyset: serialiseKeysetFile(keysets) } : {}),
        tail: await Bun.zstdCompress(image.tail, { level: zstd_level }),
        ...(sbom ? { sbom } : {}),
        ...(provenance ? { provenance } : {}),
      },
      tree: image.tree,
      pieces: counted(pieces, data_bytes, onProgress),
      signers: content.signers,
    });
  } finally {
    await source.close();
  }
}

/** Everything a manifest says about a slot image; a full bundle's unless `base` is given. */
export function manifestFields(
  { manifest, tail }: SlotImage,
  { replaces_min, expires }: Pick<BundleContent, 'replaces_min' | 'expires'>,
  base?: BundleManifest['base'],
): Omit<BundleManifest, 'sections'> {
  const { version, built_at, compatible, data_bytes, blob_bytes, verity } = manifest;
  return {
    format: 1,
    kind: base ? 'delta' : 'full',
    name: 'bulkhead',
    version,
    built_at: formatInstant(Date.parse(built_at)),
    compatible,
    ...(replaces_min === undefined ? {} : { replaces_min }),
    ...(expires === undefined ? {} : { expires }),
    slot: {
      data_bytes,
      blob_bytes,
      root_hash: verity.root_hash,
      salt: verity.salt,
      tail_sha256: createHash('sha256').update(tail).digest('hex'),
    },
    ...(base ? { base } : {}),
  };
}

/**
 * Writes every block of the data area of a slot image packed by itself, to be fetched by range: NAME.blocks beside a bundle NAME.
 * The same image gives the same bytes.
 *
 * @throws BulkheadError BUNDLE_WRITE_FAILED, what the source throws
 */
export async function writeBlocks(output: string, slot_image: string, data_bytes: number): Promise<void> {
  const source = fileSource(slot_image);
  try {
    await replaceFile(output, async (file) => {
      const lengths: number[] = [];
      await file.appendFile(new Uint8Array(packedLayout(data_bytes / BLOCK_BYTES).head_bytes));
      for (let at_bytes = 0; at_bytes < data_bytes; at_bytes += FILE_READ_BYTES) {
        const part = await readRange(source, at_bytes, Math.min(data_bytes, at_bytes + FILE_READ_BYTES));
        const packed = blocksOf(part).map((block) => packBlock(block, PACK_ZSTD_LEVEL));
        lengths.push(...packed.map(({ length }) => length));
        await file.appendFile(Buffer.concat(packed));
      }
      const head = packedHead(lengths);
      await file.write(head, 0, head.length, 0);
    });
  } finally {
    await source.close();
  }
}

function blocksOf(part: Uint8Array): Uint8Array[] {
  return Array.from({ length: part.length / BLOCK_BYTES }, (_, block) =>
    part.subarray(block * BLOCK_BYTES, (block + 1) * BLOCK_BYTES),
  );
}

/** Tells how far the pieces have come on their way by. */
async function* counted(
  pieces: AsyncIterable<EncodedPiece>,
  total_bytes: number,
  onProgress: BundleContent['onProgress'],
): AsyncGenerator<EncodedPiece> {
  let done_bytes = 0;
  for await (const piece of pieces) {
    done_bytes += piece.target_bytes;
    onProgress?.({ phase: 'encode', done_bytes, total_bytes });
    yield piece;
  }
}
