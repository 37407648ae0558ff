import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync, rmSync, statSync, truncateSync, writeSync } from 'node:fs';
import { BulkheadError } from '../../base/errors.ts';
import { type Run, runOrThrow } from '../../base/run.ts';
import {
  BLOCK_BYTES,
  buildFooter,
  buildHeader,
  FOOTER_BYTES,
  SECTOR_BYTES,
  type SectorRun,
  type SlotManifest,
} from '../../partitions/slot-blob.ts';
import { BOOT_FOLDER } from './image-tree.ts';
import { COMPRESS_TIMEOUT_MS } from './limits.ts';

/** One salt for all releases: trees of two releases can only be compared when equal blocks have equal hashes. */
const VERITY_SALT = createHash('sha256').update('bulkhead dm-verity salt 1').digest('hex');

export interface SlotImageOptions {
  /** The finished root tree. */
  tree: string;
  output: string;
  epoch_s: number;
  version: string;
  revision: string;
  builtAt: string;
  compatible: string[];
}

/** Makes the slot blob of partitions/slot-blob.ts from a root tree. The same tree gives the same bytes. */
export async function buildSlotImage(tools: Run, options: SlotImageOptions): Promise<SlotManifest> {
  const { tree, output, epoch_s } = options;
  rmSync(output, { force: true });
  await runOrThrow(
    tools,
    'mkfs.erofs',
    // Uncompressed, no inline tails: every file starts on a block of its own, which is what makes deltas small
    // and lets GRUB read kernel and initrd by block list.
    [
      '-T',
      String(epoch_s),
      '--all-time',
      '-U',
      stableUuid(options.version),
      '-b',
      String(BLOCK_BYTES),
      '-x',
      '-1',
      '-E',
      'noinline_data',
      '--quiet',
      output,
      tree,
    ],
    { timeout_ms: COMPRESS_TIMEOUT_MS },
  );
  const data_bytes = Math.ceil(statSync(output).size / BLOCK_BYTES) * BLOCK_BYTES;
  truncateSync(output, data_bytes);
  const kernel = await locateFile(tools, output, `${BOOT_FOLDER}/vmlinuz`);
  const initrd = await locateFile(tools, output, `${BOOT_FOLDER}/initrd`);
  const data_blocks = data_bytes / BLOCK_BYTES;
  const footerStart_bytes = data_bytes + verityTreeBytes(data_blocks);
  overwrite(output, 0, buildHeader(footerStart_bytes));
  const formatted = await runOrThrow(
    tools,
    'veritysetup',
    [
      'format',
      '--salt',
      VERITY_SALT,
      '--uuid',
      stableUuid(`verity ${options.version}`),
      '--data-block-size',
      String(BLOCK_BYTES),
      '--hash-block-size',
      String(BLOCK_BYTES),
      '--data-blocks',
      String(data_blocks),
      '--hash-offset',
      String(data_bytes),
      output,
      output,
    ],
    { timeout_ms: COMPRESS_TIMEOUT_MS },
  );
  const root_hash = /Root hash:\s+([0-9a-f]{64})/.exec(formatted)?.[1];
  const size_bytes = statSync(output).size;
  if (!root_hash || size_bytes !== footerStart_bytes) {
    throw new BulkheadError(
      'IMAGE_VERITY_SIZE',
      `the verity tree ends at ${size_bytes}, ${footerStart_bytes} was expected`,
    );
  }
  const manifest: SlotManifest = {
    format: 1,
    name: 'bulkhead',
    version: options.version,
    revision: options.revision,
    built_at: options.builtAt,
    compatible: options.compatible,
    data_bytes,
    blob_bytes: footerStart_bytes + FOOTER_BYTES,
    verity: { root_hash, salt: VERITY_SALT, data_blocks },
    kernel_sha256: digestOf(output, kernel),
    initrd_sha256: digestOf(output, initrd),
  };
  overwrite(output, footerStart_bytes, buildFooter(manifest, { kernel, initrd }));
  return manifest;
}

/**
 * Bytes of superblock and hash tree: one block, then levels of 128 hashes of 32 bytes a block up to the root.
 * Source: Documentation/admin-guide/device-mapper/verity.rst of Linux.
 */
function verityTreeBytes(data_blocks: number): number {
  const hashesPerBlock = BLOCK_BYTES / 32;
  let blocks = 1;
  for (let level = data_blocks; level > 1; ) {
    level = Math.ceil(level / hashesPerBlock);
    blocks += level;
  }
  return blocks * BLOCK_BYTES;
}

/** Where the bytes of a file lie in the EROFS. @throws BulkheadError IMAGE_FILE_SCATTERED unless it is one run */
async function locateFile(tools: Run, image: string, path: string): Promise<SectorRun> {
  const printed = await runOrThrow(tools, 'dump.erofs', [`--path=${path}`, '-e', image]);
  const extents = [...printed.matchAll(/^\s*\d+:\s+\d+\.\.\s*\d+\s+\|\s+\d+\s+:\s+(\d+)\.\.\s*(\d+)\s+\|/gm)];
  const [start, end] = [Number(extents[0]?.[1]), Number(extents[0]?.[2])];
  if (extents.length !== 1 || !Number.isInteger(start) || start % SECTOR_BYTES !== 0) {
    throw new BulkheadError(
      'IMAGE_FILE_SCATTERED',
      `${path} is not one run of blocks in the slot image:\n${printed}`,
    );
  }
  return { start: start / SECTOR_BYTES, count: Math.ceil((end - start) / SECTOR_BYTES) };
}

function digestOf(image: string, run: SectorRun): string {
  const file = openSync(image, 'r');
  try {
    const bytes = new Uint8Array(run.count * SECTOR_BYTES);
    readSync(file, bytes, 0, bytes.length, run.start * SECTOR_BYTES);
    return createHash('sha256').update(bytes).digest('hex');
  } finally {
    closeSync(file);
  }
}

function overwrite(path: string, offset_bytes: number, bytes: Uint8Array): void {
  const file = openSync(path, 'r+');
  try {
    writeSync(file, bytes, 0, bytes.length, offset_bytes);
  } finally {
    closeSync(file);
  }
}

/** A UUID (RFC 9562, version 8: own scheme) that depends on its text alone. */
function stableUuid(text: string): string {
  const hex = createHash('sha256').update(`bulkhead ${text}`).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
