import { createHash } from 'node:crypto';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fsyncFolder } from '../../base/atomic-file.ts';
import { BulkheadError } from '../../base/errors.ts';
import { type Envelope, type Signer, signEnvelope } from '../../base/signing/dsse.ts';
import { PIECE_PAYLOAD_MAX_BYTES, PIECES_MAX } from '../limits.ts';
import { parseManifest } from './check-manifest.ts';
import type { EncodedPiece } from './compress.ts';
import { fileSource } from './file-source.ts';
import { digestOf, serialiseHead } from './head.ts';
import { BUNDLE_PAYLOAD_TYPE, type BundleManifest, type DigestedSection, SECTION_NAMES } from './manifest.ts';
import { type Piece, serialiseIndex } from './pieces.ts';

/** What goes into a bundle, beside its pieces. */
export interface BundleParts {
  manifest: Omit<BundleManifest, 'sections'>;
  /** Sections that are held by a digest; the index is made here. */
  documents: Partial<Record<Exclude<DigestedSection, 'index'>, Uint8Array>>;
  /** The hash tree, for full bundles. */
  tree?: Uint8Array;
  pieces: AsyncIterable<EncodedPiece>;
  /** None: somebody signs it later. */
  signers: readonly Signer[];
}

export interface WrittenBundle {
  manifest: BundleManifest;
  /** SHA-256 of the signed bytes. */
  digest: string;
  size_bytes: number;
}

/**
 * Writes a bundle: pieces into a file beside it, then head and sections, then the name. A file of that name is whole at every
 * moment, the old one or the new one.
 *
 * @throws BulkheadError BUNDLE_WRITE_FAILED, BUNDLE_MANIFEST_INVALID, BUNDLE_INCOHERENT, BUNDLE_HEAD_INVALID
 */
export async function assembleBundle(output: string, parts: BundleParts): Promise<WrittenBundle> {
  const payloadFile = `${output}.payload`;
  try {
    const pieces = await writePayload(payloadFile, parts.pieces);
    return await replaceFile(output, (file) => writeSections(file, parts, pieces, payloadFile));
  } finally {
    await rm(payloadFile, { force: true });
  }
}

/** Writes a file beside its name and gives it the name once it is durable. @throws BulkheadError BUNDLE_WRITE_FAILED */
export async function replaceFile<T>(path: string, write: (file: FileHandle) => Promise<T>): Promise<T> {
  const temporary = `${path}.new`;
  try {
    const file = await open(temporary, 'w');
    let result: T;
    try {
      result = await write(file);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
    fsyncFolder(dirname(path));
    return result;
  } catch (cause) {
    await rm(temporary, { force: true });
    if (cause instanceof BulkheadError) throw cause;
    throw new BulkheadError('BUNDLE_WRITE_FAILED', `cannot write ${path}`, {
      cause,
      hint: 'is the disk full, or the folder missing or read-only?',
    });
  }
}

async function writePayload(path: string, encoded: AsyncIterable<EncodedPiece>): Promise<Piece[]> {
  return replaceFile(path, async (file) => {
    const pieces: Piece[] = [];
    for await (const { payload, target_bytes } of encoded) {
      if (payload.length > PIECE_PAYLOAD_MAX_BYTES || pieces.length >= PIECES_MAX)
        throw new BulkheadError(
          'BUNDLE_PIECE_TOO_LARGE',
          `piece ${pieces.length} has ${payload.length} bytes; ${PIECES_MAX} pieces of ${PIECE_PAYLOAD_MAX_BYTES} are possible`,
        );
      await file.appendFile(payload);
      const sha256 = Uint8Array.from(createHash('sha256').update(payload).digest());
      pieces.push({ payload_bytes: payload.length, target_bytes, sha256 });
    }
    return pieces;
  });
}

async function writeSections(
  file: FileHandle,
  parts: BundleParts,
  pieces: readonly Piece[],
  payloadFile: string,
): Promise<WrittenBundle> {
  const contents = { ...parts.documents, index: serialiseIndex(pieces), tree: parts.tree };
  const payload_bytes = pieces.reduce((sum_bytes, piece) => sum_bytes + piece.payload_bytes, 0);
  const sections = SECTION_NAMES.flatMap((name): BundleManifest['sections'] => {
    if (name === 'payload') return [{ name, bytes: payload_bytes }];
    const content = contents[name];
    if (!content) return [];
    if (name === 'tree') return [{ name, bytes: content.length }];
    return [{ name, bytes: content.length, sha256: createHash('sha256').update(content).digest('hex') }];
  });
  const envelope = sealManifest({ ...parts.manifest, sections }, parts.signers);
  const head = serialiseHead(envelope);
  await file.appendFile(head);
  for (const { name } of sections) {
    if (name === 'payload') await copyFrom(payloadFile, 0, payload_bytes, file);
    else await file.appendFile(contents[name] ?? new Uint8Array(0));
  }
  const size_bytes = sections.reduce((sum_bytes, { bytes }) => sum_bytes + bytes, head.length);
  return { manifest: parseManifest(envelope.payload), digest: digestOf(envelope), size_bytes };
}

/** @throws BulkheadError BUNDLE_MANIFEST_INVALID, BUNDLE_INCOHERENT for what no appliance would take */
function sealManifest(manifest: BundleManifest, signers: readonly Signer[]): Envelope {
  const payload = new TextEncoder().encode(JSON.stringify(manifest));
  parseManifest(payload);
  return signers.reduce<Envelope>(signEnvelope, {
    payloadType: BUNDLE_PAYLOAD_TYPE,
    payload,
    signatures: [],
  });
}

/** Appends a range of one file to another. */
export async function copyFrom(
  path: string,
  start_bytes: number,
  end_bytes: number,
  file: FileHandle,
): Promise<void> {
  const source = fileSource(path);
  try {
    for await (const part of source.read(start_bytes, end_bytes)) await file.appendFile(part);
  } finally {
    await source.close();
  }
}
