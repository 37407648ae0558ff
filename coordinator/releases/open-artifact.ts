import { BulkheadError } from '../../base/errors.ts';
import { PACKED_MAGIC } from '../../updater/blocks/packed-format.ts';
import { isBundle, readHead } from '../../updater/bundle/head.ts';
import { inspectBundle, type OpenBundle, openBundle } from '../../updater/bundle/open-bundle.ts';
import { verifyDeep } from '../../updater/bundle/verify-bundle.ts';
import { requireReleaseSignature, type TrustedKeys } from '../../updater/signing/trust.ts';
import { type ByteSource, readRange } from '../../updater/source.ts';
import type { ArtifactRow } from '../database/release-tables.ts';

/**
 * What a file is. Anything but a part of a release has no place here.
 *
 * @throws BulkheadError ARTIFACT_KIND, what the source throws
 */
export async function kindOf(source: ByteSource): Promise<ArtifactRow['kind']> {
  if (await isBundle(source)) return 'bundle';
  const size_bytes = await source.size_bytes();
  const magic = await readRange(source, 0, Math.min(size_bytes, PACKED_MAGIC.length));
  if (Buffer.from(magic).toString('latin1') === PACKED_MAGIC) return 'blocks';
  throw new BulkheadError('ARTIFACT_KIND', 'the file is neither a bundle nor the blocks of one', {
    hint: 'bulkhead bundle create makes both',
  });
}

/**
 * The bill of materials in a release's bundle, its digest compared with the one that was signed.
 *
 * @throws BulkheadError BUNDLE_SECTION_MISSING, BUNDLE_SECTION_DAMAGED, what the source throws
 */
export async function readSbom(source: ByteSource): Promise<Uint8Array> {
  return await (await inspectBundle(source)).readSection('sbom');
}

/**
 * A bundle that a configured key signed, every byte of it looked at.
 *
 * @throws BulkheadError RELEASE_BUNDLE_REFUSED with the reason
 */
export async function openTrusted(source: ByteSource, trusted: TrustedKeys, now: Date): Promise<OpenBundle> {
  try {
    // Asked first of the keys that are configured: openBundle would also follow key sets that the bundle brings.
    requireReleaseSignature((await readHead(source)).envelope, trusted, now);
    const bundle = await openBundle(source, trusted, now);
    await verifyDeep(bundle);
    return bundle;
  } catch (cause) {
    if (!(cause instanceof BulkheadError)) throw cause;
    throw new BulkheadError(
      'RELEASE_BUNDLE_REFUSED',
      `the bundle is refused: ${cause.code}: ${cause.message}`,
      {
        ...(cause.hint === undefined ? {} : { hint: cause.hint }),
        cause,
      },
    );
  }
}
