import { createHash } from 'node:crypto';
import { BLOCK_BYTES, FOOTER_BYTES, parseFooter } from '../../partitions/slot-blob.ts';
import type { BundleManifest } from '../bundle/manifest.ts';

/** The manifest that is signed about a slot image, without sections: for tests that need no bundle around it. */
export function manifestOfSlot(slot: Uint8Array): BundleManifest {
  const footer = slot.subarray(slot.length - FOOTER_BYTES);
  const { version, data_bytes, blob_bytes, verity, compatible } = parseFooter(footer);
  const superblock = slot.subarray(data_bytes, data_bytes + BLOCK_BYTES);
  return {
    format: 1,
    kind: 'full',
    name: 'bulkhead',
    version,
    built_at: '2026-11-21T00:00:00Z',
    compatible,
    slot: {
      data_bytes,
      blob_bytes,
      root_hash: verity.root_hash,
      salt: verity.salt,
      tail_sha256: createHash('sha256').update(superblock).update(footer).digest('hex'),
    },
    sections: [],
  };
}
