import { BulkheadError, describeError } from '../../base/errors.ts';
import { DEVICE_KEYSET_FILE, IMAGE_INFO_FILE, IMAGE_KEYSET_FILE } from '../../base/paths.ts';
import { fileSource } from '../../updater/bundle/file-source.ts';
import type { BundleManifest } from '../../updater/bundle/manifest.ts';
import { openBundle } from '../../updater/bundle/open-bundle.ts';
import { readSlotFooter } from '../../updater/bundle/slot-image.ts';
import { type Depth, verifyDeep } from '../../updater/bundle/verify-bundle.ts';
import type { WriteProgress } from '../../updater/bundle/write-bundle.ts';
import { slotStreamReader } from '../../updater/delta/blob-reader.ts';
import { type TrustedKeys, trustedTime } from '../../updater/signing/trust.ts';
import { loadTrustedKeys, trustKeysetFile } from '../../updater/signing/trusted-keys.ts';
import { readImageInfo } from '../facts/image-info.ts';
import { type BundleFacts, bundleFacts } from './present.ts';

export interface VerifiedFacts extends BundleFacts {
  verified: true;
  signed_by: readonly string[];
  keyset_version: number;
  depth: Depth | 'head';
  warnings: string[];
}

/**
 * Verifies a bundle in a file by the keys of this appliance, or by those that are named.
 *
 * @throws BulkheadError of openBundle and verifyDeep; KEYS_FILE_UNREADABLE where no keys are
 */
export async function verifyFile(
  file: string,
  options: { keyset?: string; deep?: true; base?: string },
  onProgress: (progress: WriteProgress) => void,
): Promise<VerifiedFacts> {
  const { keys, warnings } = trustOf(options.keyset);
  const { builtAt } = readImageInfo(IMAGE_INFO_FILE);
  const now = new Date(trustedTime(Date.now(), builtAt === null ? [] : [builtAt]));
  const source = fileSource(file);
  try {
    const bundle = await openBundle(source, keys, now);
    const base = options.base === undefined ? undefined : await openBase(options.base, bundle.manifest);
    try {
      const depth = options.deep
        ? await verifyDeep(bundle, base, (done_bytes, total_bytes) =>
            onProgress({ phase: 'check', done_bytes, total_bytes }),
          )
        : 'head';
      const { signed_by, trusted } = bundle;
      return {
        verified: true,
        ...bundleFacts(bundle),
        signed_by,
        keyset_version: trusted.keyset.version,
        depth,
        warnings,
      };
    } finally {
      base?.close();
    }
  } finally {
    await source.close();
  }
}

function trustOf(file: string | undefined): { keys: TrustedKeys; warnings: string[] } {
  if (file !== undefined) return { keys: trustKeysetFile(file), warnings: [] };
  const { keys, problem } = loadTrustedKeys(IMAGE_KEYSET_FILE, DEVICE_KEYSET_FILE);
  return { keys, warnings: problem ? [describeError(problem)] : [] };
}

async function openBase(path: string, { version, base }: BundleManifest) {
  const source = fileSource(path);
  try {
    const { manifest } = await readSlotFooter(source);
    if (base?.root_hash === manifest.verity.root_hash) return slotStreamReader(path, manifest);
    throw new BulkheadError(
      'BUNDLE_WRONG_BASE',
      base
        ? `this delta to ${version} starts from ${base.version} with root hash ${base.root_hash}; ${path} has ${manifest.verity.root_hash}`
        : `release ${version} is a full bundle and starts from nothing`,
      { hint: 'name the slot image it starts from, or leave --base out' },
    );
  } finally {
    await source.close();
  }
}
