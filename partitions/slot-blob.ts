import { Type as t } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { BulkheadError } from '../base/errors.ts';
import { Pattern } from '../base/schema.ts';
import { parseEnvBlock, serialiseEnvBlock } from './env-block.ts';

/**
 * A slot is one self-contained blob, written to a root partition from its first byte:
 *
 * ```
 * 0                    header      512 bytes inside the 1024 that EROFS leaves free: where the footer is
 * 0 … data_bytes       EROFS       files on 4 KiB boundaries, kernel and initrd among them
 * data_bytes …         verity      dm-verity superblock and hash tree over all of the EROFS, header included
 * footer_bytes …       footer      FOOTER_BYTES: what GRUB reads, the digests GRUB checks, the manifest
 * ```
 *
 * The header says only where the footer is, so the root hash can cover it. GRUB reads header and footer as
 * environment blocks by block list and needs no file system driver for the slot; kernel and initrd are block
 * lists too, and GRUB compares their SHA-256 before it starts them, because a kernel that fails to unpack halts
 * where no watchdog is armed yet.
 */

export const SECTOR_BYTES = 512;
export const BLOCK_BYTES = 4096;
/** Room for the manifest and, later, its signature envelope. */
export const FOOTER_BYTES = 16 * 1024;

/** Layout inside the footer, in bytes from its start. */
const GRUB_BLOCK_BYTES = 1024;
const DIGESTS_OFFSET = GRUB_BLOCK_BYTES;
const DIGESTS_BYTES = 512;
const MANIFEST_OFFSET = DIGESTS_OFFSET + DIGESTS_BYTES;
const MANIFEST_MAX_BYTES = FOOTER_BYTES - MANIFEST_OFFSET;

/** A run of sectors, as GRUB's block list `start+count` names it. */
export interface SectorRun {
  start: number;
  count: number;
}

const Hex256 = Pattern(/^[0-9a-f]{64}$/);

export const SlotManifest = t.Object(
  {
    format: t.Literal(1),
    name: t.Literal('bulkhead'),
    version: Pattern(/^\d+\.\d+\.\d+([-+][0-9A-Za-z.+-]+)?$/),
    revision: t.String(),
    built_at: t.String(),
    compatible: t.Array(t.String()),
    data_bytes: t.Integer({ minimum: BLOCK_BYTES, multipleOf: BLOCK_BYTES }),
    blob_bytes: t.Integer({ minimum: BLOCK_BYTES, multipleOf: BLOCK_BYTES }),
    verity: t.Object({ root_hash: Hex256, salt: Hex256, data_blocks: t.Integer({ minimum: 1 }) }),
    kernel_sha256: Hex256,
    initrd_sha256: Hex256,
  },
  { additionalProperties: false },
);
export type SlotManifest = (typeof SlotManifest)['static'];

/** The 512-byte header: written into the first sector of the EROFS before the verity tree is made. */
export function buildHeader(footerStart_bytes: number): Uint8Array {
  const footer: SectorRun = { start: footerStart_bytes / SECTOR_BYTES, count: FOOTER_BYTES / SECTOR_BYTES };
  return serialiseEnvBlock(
    {
      slot_format: '1',
      slot_grub: `${footer.start}+${GRUB_BLOCK_BYTES / SECTOR_BYTES}`,
      slot_digests: `${footer.start + DIGESTS_OFFSET / SECTOR_BYTES}+${DIGESTS_BYTES / SECTOR_BYTES}`,
      slot_footer: `${footer.start}+${footer.count}`,
    },
    SECTOR_BYTES,
  );
}

/** Where the footer starts, or undefined when the sector is no slot header (an empty partition, say). */
export function footerOffset(header: Uint8Array): number | undefined {
  const block = parseEnvBlock(header);
  if (block?.['slot_format'] !== '1') return undefined;
  const run = parseRun(block['slot_footer']);
  return run && run.count * SECTOR_BYTES === FOOTER_BYTES ? run.start * SECTOR_BYTES : undefined;
}

/** What GRUB needs to start the slot, beside the manifest. */
export interface SlotBootFiles {
  kernel: SectorRun;
  initrd: SectorRun;
}

export function buildFooter(manifest: SlotManifest, files: SlotBootFiles): Uint8Array {
  const footer = new Uint8Array(FOOTER_BYTES);
  const { root_hash, salt, data_blocks } = manifest.verity;
  footer.set(
    serialiseEnvBlock(
      {
        slot_version: manifest.version,
        slot_verity: `${root_hash}:${data_blocks}:${salt}`,
        slot_kernel: `${files.kernel.start}+${files.kernel.count}`,
        slot_initrd: `${files.initrd.start}+${files.initrd.count}`,
      },
      GRUB_BLOCK_BYTES,
    ),
    0,
  );
  footer.set(buildDigestList(manifest, files), DIGESTS_OFFSET);
  const text = new TextEncoder().encode(JSON.stringify(manifest));
  if (text.length > MANIFEST_MAX_BYTES) {
    throw new BulkheadError(
      'SLOT_MANIFEST_TOO_LARGE',
      `the slot manifest has ${text.length} bytes, ${MANIFEST_MAX_BYTES} fit`,
    );
  }
  footer.set(text, MANIFEST_OFFSET);
  return footer;
}

/**
 * The list that GRUB's `hashsum --check` reads: `digest  file`, the files as block lists relative to the slot.
 * GRUB refuses an empty line but skips white space in front, so the padding goes there.
 * The digests are over whole sectors, because that is what a block list yields.
 */
function buildDigestList(manifest: SlotManifest, files: SlotBootFiles): Uint8Array {
  const list =
    `${manifest.kernel_sha256}  ${files.kernel.start}+${files.kernel.count}\n` +
    `${manifest.initrd_sha256}  ${files.initrd.start}+${files.initrd.count}\n`;
  return new TextEncoder().encode(list.padStart(DIGESTS_BYTES, ' '));
}

/** Where GRUB finds kernel and initrd, as the footer tells it; undefined when that part of the footer is damaged. */
export function bootFileRuns(footer: Uint8Array): { kernel: SectorRun; initrd: SectorRun } | undefined {
  const block = parseEnvBlock(footer.subarray(0, GRUB_BLOCK_BYTES));
  const kernel = parseRun(block?.['slot_kernel']);
  const initrd = parseRun(block?.['slot_initrd']);
  return kernel && initrd ? { kernel, initrd } : undefined;
}

function parseRun(text: string | undefined): SectorRun | undefined {
  const run = /^(\d{1,12})\+(\d{1,9})$/.exec(text ?? '');
  return run ? { start: Number(run[1]), count: Number(run[2]) } : undefined;
}

/**
 * The manifest in a footer.
 *
 * @throws BulkheadError SLOT_FOOTER_DAMAGED when it is not one
 */
export function parseFooter(footer: Uint8Array): SlotManifest {
  const area = footer.subarray(MANIFEST_OFFSET, FOOTER_BYTES);
  const end = area.indexOf(0);
  const text = new TextDecoder().decode(end < 0 ? area : area.subarray(0, end));
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (cause) {
    throw new BulkheadError('SLOT_FOOTER_DAMAGED', 'the slot footer holds no manifest', { cause });
  }
  if (!Value.Check(SlotManifest, parsed)) {
    const first = Value.Errors(SlotManifest, parsed).First();
    throw new BulkheadError(
      'SLOT_FOOTER_DAMAGED',
      `the slot manifest is invalid at ${first?.path ?? '/'}: ${first?.message ?? ''}`,
    );
  }
  return parsed;
}
