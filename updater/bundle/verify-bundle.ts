import { open } from 'node:fs/promises';
import { BulkheadError } from '../../base/errors.ts';
import type { BlobReader } from '../delta/blob-reader.ts';
import { slotEnd } from '../install/slot-shape.ts';
import { checkPieces, deltaStream, fullStream } from '../install/streams.ts';
import type { TargetStream } from '../install/transfer.ts';
import { TAIL_BYTES } from './manifest.ts';
import type { OpenBundle } from './open-bundle.ts';
import { checkSlotContent, type SlotContent } from './slot-content.ts';

/** How much of a bundle was looked at: `content` up to every byte of the slot, `pieces` as far as is possible without the base. */
export type Depth = 'content' | 'pieces';

/**
 * Looks at every byte of a bundle: documents, pieces, what they yield, root hash, tree, tail.
 *
 * @param base the slot a delta starts from; without one only the digests of its pieces can be compared
 * @param onProgress bytes of the target stream so far
 * @throws BulkheadError BUNDLE_SECTION_DAMAGED, BUNDLE_INDEX_INVALID, UPDATE_PIECE_DAMAGED, UPDATE_PIECE_LENGTH,
 *         BUNDLE_CONTENT_UNREADABLE, BUNDLE_TREE_DAMAGED and those of checkSlotContent
 */
export async function verifyDeep(
  bundle: OpenBundle,
  base?: BlobReader,
  onProgress: (done_bytes: number, total_bytes: number) => void = () => {},
): Promise<Depth> {
  for (const name of ['keyset', 'sbom', 'provenance'] as const)
    if (bundle.sections.has(name)) await bundle.readSection(name);
  if (bundle.manifest.kind === 'delta' && !base) {
    const total_bytes = bundle.manifest.slot.data_bytes + TAIL_BYTES;
    await checkPieces(bundle, (done_bytes) => onProgress(done_bytes, total_bytes));
    return 'pieces';
  }
  const content = await checkSlotContent(bundle.manifest, await partsOf(bundle, base, onProgress));
  if (bundle.sections.has('tree')) await requireTree(bundle, content);
  return 'content';
}

/**
 * Writes the slot image that a bundle carries, checked whole.
 *
 * @param base needed for a delta
 * @throws BulkheadError as verifyDeep does; BUNDLE_BASE_MISSING; what the file system says
 */
export async function unpackBundle(bundle: OpenBundle, output: string, base?: BlobReader): Promise<void> {
  const file = await open(output, 'w');
  try {
    const { manifest } = bundle;
    const parts = await partsOf(bundle, base, () => {});
    const { tail, tree } = await checkSlotContent(manifest, parts, (blocks) => file.appendFile(blocks));
    await file.appendFile(slotEnd(tail, tree));
  } finally {
    await file.close();
  }
}

async function partsOf(
  bundle: OpenBundle,
  base: BlobReader | undefined,
  onProgress: (done_bytes: number, total_bytes: number) => void,
): Promise<AsyncIterable<Uint8Array>> {
  if (bundle.manifest.kind === 'full') return bytesOf(await fullStream(bundle), onProgress);
  if (base) return bytesOf(await deltaStream(bundle, base), onProgress);
  throw new BulkheadError(
    'BUNDLE_BASE_MISSING',
    `${bundle.source.name} is a delta and says nothing without its base`,
    {
      hint: `name the slot image of ${bundle.manifest.base?.version} with --base`,
    },
  );
}

async function* bytesOf(
  stream: TargetStream,
  onProgress: (done_bytes: number, total_bytes: number) => void,
): AsyncGenerator<Uint8Array> {
  const total_bytes = stream.manifest.slot.data_bytes + TAIL_BYTES;
  let done_bytes = 0;
  try {
    for await (const { bytes } of stream.parts(0)) {
      done_bytes += bytes.length;
      onProgress(done_bytes, total_bytes);
      yield bytes;
    }
  } catch (cause) {
    if (cause instanceof BulkheadError) throw cause;
    throw new BulkheadError(
      'BUNDLE_CONTENT_UNREADABLE',
      `what was signed cannot be decompressed behind byte ${done_bytes}`,
      {
        cause,
        hint: 'the release was built wrongly: build it again',
      },
    );
  }
}

async function requireTree(bundle: OpenBundle, { tree }: SlotContent): Promise<void> {
  const { start_bytes, bytes } = bundle.section('tree');
  let at_bytes = 0;
  for await (const part of bundle.source.read(start_bytes, start_bytes + bytes)) {
    if (Buffer.compare(part, tree.subarray(at_bytes, at_bytes + part.length)) !== 0)
      throw new BulkheadError(
        'BUNDLE_TREE_DAMAGED',
        `the hash tree in ${bundle.source.name} is not that of its data`,
        {
          hint: 'updates by single blocks would fail; the file is damaged: publish it again',
        },
      );
    at_bytes += part.length;
  }
}
