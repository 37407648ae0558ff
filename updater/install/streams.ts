import { createHash } from 'node:crypto';
import { BulkheadError } from '../../base/errors.ts';
import { TAIL_BYTES } from '../bundle/manifest.ts';
import type { BundleFile } from '../bundle/open-bundle.ts';
import { type Piece, parseIndex } from '../bundle/pieces.ts';
import type { BlobReader } from '../delta/blob-reader.ts';
import { readPieces, unpackPieces } from './piece-stream.ts';
import type { StreamPart, TargetStream } from './transfer.ts';

/** Everything, piece by piece. @throws BulkheadError BUNDLE_INDEX_INVALID */
export async function fullStream(bundle: BundleFile): Promise<TargetStream> {
  const pieces = await piecesOf(bundle, bundle.manifest.slot.data_bytes);
  const { start_bytes } = bundle.section('payload');
  return {
    method: 'full',
    bundle: bundle.digest,
    manifest: bundle.manifest,
    async *parts(from_piece, keptUpToHere) {
      const payload = readPieces(bundle.source, start_bytes, pieces, from_piece, keptUpToHere);
      for await (const { data, end } of unpackPieces(payload)) yield partOf(data, end);
      yield { bytes: await readTail(bundle) };
    },
  };
}

/** Copies from the running slot and what differs. @throws BulkheadError BUNDLE_INDEX_INVALID */
export async function deltaStream(bundle: BundleFile, base: BlobReader): Promise<TargetStream> {
  // Its tables are three megabytes, which the other ways do without.
  const { decodePiece } = await import('../delta/decode.ts');
  const pieces = await piecesOf(bundle, bundle.manifest.slot.data_bytes + TAIL_BYTES);
  const { start_bytes } = bundle.section('payload');
  return {
    method: 'delta',
    bundle: bundle.digest,
    manifest: bundle.manifest,
    async *parts(from_piece, keptUpToHere) {
      for await (const { payload, target_bytes, end } of readPieces(
        bundle.source,
        start_bytes,
        pieces,
        from_piece,
        keptUpToHere,
      )) {
        for (const bytes of decodePiece(payload, base, target_bytes)) yield { bytes };
        yield partOf(NOTHING, end);
      }
    },
  };
}

/** Superblock and footer of a full bundle. */
export async function readTail(bundle: BundleFile): Promise<Uint8Array> {
  const tail = await Bun.zstdDecompress(await bundle.readSection('tail'));
  if (createHash('sha256').update(tail).digest('hex') !== bundle.manifest.slot.tail_sha256) {
    throw new BulkheadError(
      'UPDATE_TAIL_MISMATCH',
      'superblock and footer in the bundle are not those that were signed',
    );
  }
  return tail;
}

/**
 * Compares the digest of every piece, and the tail, without decompressing a piece.
 *
 * @param onPiece bytes of the slot that were looked at so far
 * @throws BulkheadError BUNDLE_INDEX_INVALID, UPDATE_PIECE_DAMAGED, BUNDLE_SECTION_DAMAGED, UPDATE_TAIL_MISMATCH
 */
export async function checkPieces(bundle: BundleFile, onPiece: (done_bytes: number) => void): Promise<void> {
  const { kind, slot } = bundle.manifest;
  const pieces = await piecesOf(bundle, kind === 'full' ? slot.data_bytes : slot.data_bytes + TAIL_BYTES);
  let done_bytes = 0;
  for await (const { target_bytes } of readPieces(
    bundle.source,
    bundle.section('payload').start_bytes,
    pieces,
    0,
  )) {
    done_bytes += target_bytes;
    onPiece(done_bytes);
  }
  if (kind === 'full') await readTail(bundle);
}

export async function piecesOf(bundle: BundleFile, target_bytes: number): Promise<Piece[]> {
  return parseIndex(await bundle.readSection('index'), bundle.section('payload').bytes, target_bytes);
}

const NOTHING = new Uint8Array(0);

function partOf(bytes: Uint8Array, end: StreamPart['piece']): StreamPart {
  return end ? { bytes, piece: end } : { bytes };
}
