import { createHash } from 'node:crypto';
import { BulkheadError } from '../../base/errors.ts';
import { TAIL_BYTES } from '../bundle/manifest.ts';
import type { BundleFile } from '../bundle/open-bundle.ts';
import { type Piece, parseIndex } from '../bundle/pieces.ts';
import type { BlobReader } from '../delta/blob-reader.ts';
import { decodePiece } from '../delta/decode.ts';
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
    async *parts(from_piece) {
      const payload = readPieces(bundle.source, start_bytes, pieces, from_piece);
      for await (const { number, data } of unpackPieces(payload))
        yield { bytes: data, piece: endOf(pieces, number) };
      yield { bytes: await readTail(bundle) };
    },
  };
}

/** Copies from the running slot and what differs. @throws BulkheadError BUNDLE_INDEX_INVALID */
export async function deltaStream(bundle: BundleFile, base: BlobReader): Promise<TargetStream> {
  const pieces = await piecesOf(bundle, bundle.manifest.slot.data_bytes + TAIL_BYTES);
  const { start_bytes } = bundle.section('payload');
  return {
    method: 'delta',
    bundle: bundle.digest,
    manifest: bundle.manifest,
    async *parts(from_piece) {
      for await (const { number, payload, target_bytes } of readPieces(
        bundle.source,
        start_bytes,
        pieces,
        from_piece,
      )) {
        for (const bytes of decodePiece(payload, base, target_bytes)) yield { bytes };
        yield { bytes: new Uint8Array(0), piece: endOf(pieces, number) };
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

export async function piecesOf(bundle: BundleFile, target_bytes: number): Promise<Piece[]> {
  return parseIndex(await bundle.readSection('index'), bundle.section('payload').bytes, target_bytes);
}

function endOf(pieces: readonly Piece[], number: number): NonNullable<StreamPart['piece']> {
  return {
    done: number + 1,
    fetched_bytes: pieces[number]?.payload_bytes ?? 0,
    next_bytes: pieces[number + 1]?.payload_bytes ?? 0,
  };
}
