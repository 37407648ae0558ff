import { createHash } from 'node:crypto';
import {
  BLOCK_BYTES,
  buildFooter,
  buildHeader,
  FOOTER_BYTES,
  SECTOR_BYTES,
  type SectorRun,
  type SlotManifest,
} from '../../partitions/slot-blob.ts';
import { HASH_BYTES, hashBlocks, hashTree, treeBytes } from '../../partitions/verity-tree.ts';

/**
 * Slot images for tests: whole blobs of partitions/slot-blob.ts that are small and come from a number. Everything that
 * looks at a slot takes them for real, except that no file system is in the data area.
 */
export interface SyntheticSlot {
  /** Blocks of 4 KiB in the data area; at least SYNTHETIC_BLOCKS_MIN. */
  blocks: number;
  /** The same seed gives the same data area, block by block: a larger slot begins with the smaller one. */
  seed: number;
  version: string;
  /** Hardware names; QEMU's by default. */
  compatible?: string[];
  /** RFC 3339; a fixed day by default. */
  built_at?: string;
  /** Changes the data area in place before it is hashed. The first 512 bytes are the header and written afterwards. */
  mutate?: (data: Uint8Array) => void;
}

/** The header's block, one for the kernel, one for the initrd, one of zeros. */
const SYNTHETIC_BLOCKS_MIN = 4;
/** Any salt does; it is the same for all, as that of real releases is. */
const SYNTHETIC_SALT = createHash('sha256').update('synthetic slot').digest('hex');

const KERNEL: SectorRun = { start: BLOCK_BYTES / SECTOR_BYTES, count: BLOCK_BYTES / SECTOR_BYTES };
const INITRD: SectorRun = { start: (2 * BLOCK_BYTES) / SECTOR_BYTES, count: BLOCK_BYTES / SECTOR_BYTES };
/** `verity` and two zero bytes. */
const SUPERBLOCK_SIGNATURE = 'verity';

/** A complete blob: header and data, verity superblock, tree, footer. Deterministic. */
export function makeSyntheticSlot(options: SyntheticSlot): Uint8Array {
  const { blocks, seed, version } = options;
  if (blocks < SYNTHETIC_BLOCKS_MIN) throw new Error(`a synthetic slot has ${SYNTHETIC_BLOCKS_MIN} blocks`);
  const data_bytes = blocks * BLOCK_BYTES;
  const footerStart_bytes = data_bytes + BLOCK_BYTES + treeBytes(blocks);
  const blob = new Uint8Array(footerStart_bytes + FOOTER_BYTES);
  const data = blob.subarray(0, data_bytes);
  for (let block = 0; block < blocks; block++)
    fillBlock(data.subarray(block * BLOCK_BYTES, (block + 1) * BLOCK_BYTES), seed, block);
  options.mutate?.(data);
  data.set(buildHeader(footerStart_bytes), 0);

  const salt = Uint8Array.from(Buffer.from(SYNTHETIC_SALT, 'hex'));
  const leaves = new Uint8Array(blocks * HASH_BYTES);
  hashBlocks(data, salt, leaves);
  const { tree, root_hash } = hashTree(leaves, salt);
  blob.set(buildSuperblock(blocks, salt, seed), data_bytes);
  blob.set(tree, data_bytes + BLOCK_BYTES);
  const manifest: SlotManifest = {
    format: 1,
    name: 'bulkhead',
    version,
    revision: `synthetic-${seed}`,
    built_at: options.built_at ?? '2026-01-02T03:04:05.000Z',
    compatible: options.compatible ?? ['qemu'],
    data_bytes,
    blob_bytes: blob.length,
    verity: { root_hash, salt: SYNTHETIC_SALT, data_blocks: blocks },
    kernel_sha256: digestOfRun(data, KERNEL),
    initrd_sha256: digestOfRun(data, INITRD),
  };
  blob.set(buildFooter(manifest, { kernel: KERNEL, initrd: INITRD }), footerStart_bytes);
  return blob;
}

/** A third text, a third noise, a third text and noise; block 3 and every sixteenth after it zeros. */
function fillBlock(block: Uint8Array, seed: number, number: number): void {
  if (number % 16 === 3) return;
  const random = numbersFrom((seed * 1_000_003 + number) >>> 0);
  const noiseFrom_bytes = ([BLOCK_BYTES, 0, BLOCK_BYTES / 2] as const)[number % 3] ?? 0;
  const words = 'slot release bundle trial commit rollback appliance '.split(' ');
  let text = '';
  while (text.length < noiseFrom_bytes) text += `${words[random() % words.length]} `;
  block.set(Buffer.from(text.slice(0, noiseFrom_bytes)));
  for (let at = noiseFrom_bytes; at < BLOCK_BYTES; at++) block[at] = random();
}

/** Numbers of 32 bits from a seed (mulberry32). */
function numbersFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
}

/** As veritysetup writes it: struct verity_sb of cryptsetup's lib/verity/verity.c, 512 bytes, little-endian. */
function buildSuperblock(data_blocks: number, salt: Uint8Array, seed: number): Uint8Array {
  const block = Buffer.alloc(BLOCK_BYTES);
  block.write(SUPERBLOCK_SIGNATURE, 0, 'latin1');
  block.writeUInt32LE(1, 8);
  block.writeUInt32LE(1, 12);
  block.set(createHash('sha256').update(`uuid ${seed}`).digest().subarray(0, 16), 16);
  block.write('sha256', 32, 'latin1');
  block.writeUInt32LE(BLOCK_BYTES, 64);
  block.writeUInt32LE(BLOCK_BYTES, 68);
  block.writeBigUInt64LE(BigInt(data_blocks), 72);
  block.writeUInt16LE(salt.length, 80);
  block.set(salt, 88);
  return block;
}

function digestOfRun(data: Uint8Array, { start, count }: SectorRun): string {
  const bytes = data.subarray(start * SECTOR_BYTES, (start + count) * SECTOR_BYTES);
  return createHash('sha256').update(bytes).digest('hex');
}
