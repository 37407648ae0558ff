import { closeSync, openSync, readSync } from 'node:fs';
import { BulkheadError } from '../../../base/errors.ts';
import {
  BLOCK_BYTES,
  bootFileRuns,
  FOOTER_BYTES,
  footerOffset,
  parseFooter,
  SECTOR_BYTES,
  type SectorRun,
} from '../../../partitions/slot-blob.ts';
import { HASH_BYTES, hashBlocks, hashTree } from '../../../partitions/verity-tree.ts';

const READ_BYTES = 1024 * 1024;

/** A release whose every byte is known, so that a slot can be said to hold it, or how far it is from it. */
export interface KnownRelease {
  name: string;
  root_hash: string;
  data_bytes: number;
  blob_bytes: number;
  footer_bytes: number;
  /** Kernel and initrd: what GRUB hashes. */
  bootRuns: readonly SectorRun[];
  read(offset_bytes: number, size_bytes: number): Uint8Array;
  close(): void;
}

/**
 * Opens a slot blob and proves that it is one: header, footer and hash tree belong together and to every block.
 *
 * @throws BulkheadError POWER_RELEASE_INVALID, SLOT_FOOTER_DAMAGED
 */
export function openRelease(name: string, path: string): KnownRelease {
  const file = openSync(path, 'r');
  const read = (offset_bytes: number, size_bytes: number) => {
    const bytes = Buffer.alloc(size_bytes);
    readSync(file, bytes, 0, size_bytes, offset_bytes);
    return bytes;
  };
  const invalid = (why: string) =>
    new BulkheadError('POWER_RELEASE_INVALID', `${path} is not the slot image of a release: ${why}`);
  const footer_bytes = footerOffset(read(0, SECTOR_BYTES));
  if (footer_bytes === undefined) throw invalid('it has no header');
  const footer = read(footer_bytes, FOOTER_BYTES);
  const runs = bootFileRuns(footer);
  if (!runs) throw invalid('its footer names no kernel');
  const { data_bytes, blob_bytes, verity } = parseFooter(footer);
  const salt = Buffer.from(verity.salt, 'hex');
  const leaves = new Uint8Array((data_bytes / BLOCK_BYTES) * HASH_BYTES);
  for (let at_bytes = 0; at_bytes < data_bytes; at_bytes += READ_BYTES) {
    const part = read(at_bytes, Math.min(READ_BYTES, data_bytes - at_bytes));
    hashBlocks(part, salt, leaves.subarray((at_bytes / BLOCK_BYTES) * HASH_BYTES));
  }
  const { tree, root_hash } = hashTree(leaves, salt);
  if (root_hash !== verity.root_hash) throw invalid('its data have another root hash');
  if (!read(data_bytes + BLOCK_BYTES, tree.length).equals(tree)) throw invalid('its hash tree is another');
  return {
    ...{ name, root_hash, data_bytes, blob_bytes, footer_bytes, read },
    bootRuns: [runs.kernel, runs.initrd],
    close: () => closeSync(file),
  };
}
