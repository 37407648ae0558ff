import { createHash } from 'node:crypto';
import {
  BLOCK_BYTES,
  buildFooter,
  buildHeader,
  FOOTER_BYTES,
  SECTOR_BYTES,
  type SlotManifest,
} from '../../partitions/slot-blob.ts';

/** Slots for the real GRUB without an operating system in them: it cannot tell the difference. */

/**
 * A slot blob with the real header and footer around a kernel and an initrd; no file system, which GRUB never looks at.
 */
export function makeSlotBlob(version: string, kernel: Uint8Array, initrd: Uint8Array): Uint8Array {
  const kernelStart = 4 * BLOCK_BYTES;
  const initrdStart = kernelStart + roundUp(kernel.length, BLOCK_BYTES);
  const footerStart = initrdStart + roundUp(initrd.length, BLOCK_BYTES);
  const run = (start: number, size: number) => ({
    start: start / SECTOR_BYTES,
    count: roundUp(size, SECTOR_BYTES) / SECTOR_BYTES,
  });
  const files = {
    kernel: run(kernelStart, kernel.length),
    initrd: run(initrdStart, initrd.length),
  };
  const manifest: SlotManifest = {
    format: 1,
    name: 'bulkhead',
    version,
    revision: 'test',
    built_at: '2026-01-01T00:00:00Z',
    compatible: ['test'],
    data_bytes: footerStart,
    blob_bytes: footerStart + FOOTER_BYTES,
    verity: { root_hash: '1'.repeat(64), salt: '2'.repeat(64), data_blocks: footerStart / BLOCK_BYTES },
    kernel_sha256: sectorsDigest(kernel),
    initrd_sha256: sectorsDigest(initrd),
  };
  const blob = new Uint8Array(footerStart + FOOTER_BYTES);
  blob.set(buildHeader(footerStart), 0);
  blob.set(kernel, kernelStart);
  blob.set(initrd, initrdStart);
  blob.set(buildFooter(manifest, files), footerStart);
  return blob;
}

function sectorsDigest(bytes: Uint8Array): string {
  const padded = new Uint8Array(roundUp(bytes.length, SECTOR_BYTES));
  padded.set(bytes);
  return createHash('sha256').update(padded).digest('hex');
}

const roundUp = (size: number, step: number): number => Math.ceil(size / step) * step;

/**
 * A kernel by the Linux x86 boot protocol (Documentation/arch/x86/boot.rst): a set-up header and, at its 32-bit entry,
 * a program that prints `KERNEL <command line> INITRD <start of the initrd up to a zero byte> END` on the first serial
 * port and resets the machine.
 */
export function makeKernel(size_bytes = 8192): Uint8Array {
  const image = new Uint8Array(size_bytes);
  const view = new DataView(image.buffer);
  view.setUint8(0x1f1, 1); // set-up sectors: the protected-mode program starts at 1024
  view.setUint32(0x1f4, (size_bytes - 1024) / 16, true);
  view.setUint16(0x1fe, 0xaa55, true);
  view.setUint16(0x200, 0x6aeb, true); // jump over the header: says how long it is
  view.setUint32(0x202, 0x5372_6448, true); // HdrS
  view.setUint16(0x206, 0x020c, true);
  view.setUint8(0x211, 1); // loaded high
  view.setUint32(0x214, 0x10_0000, true);
  view.setUint32(0x22c, 0x7fff_ffff, true); // highest initrd address
  view.setUint32(0x230, 0x20_0000, true); // alignment
  view.setUint8(0x234, 1); // relocatable
  view.setUint8(0x235, 21); // least alignment, a power of two
  view.setUint32(0x238, 2047, true); // longest command line
  view.setUint32(0x258, 0x100_0000, true); // preferred address
  view.setUint32(0x260, 0x10_0000, true); // memory it wants
  image.set(Buffer.from(KERNEL_PROGRAM, 'hex'), 1024);
  return image;
}

/**
 * esp = boot_params + 0xff0; for each of "\r\nKERNEL ", *cmd_line_ptr (0x228), " INITRD ", *ramdisk_image (0x218),
 * " END\r\n": wait for bit 5 of port 0x3fd, out 0x3f8; then out 0xcf9, 6 (reset).
 */
const KERNEL_PROGRAM =
  '8da6f00f0000baf8030000e8000000005f8d9f5b000000e8370000008b9e28020000e82c0000008d9f65000000e821000000' +
  '8b9e18020000e8160000008d9f6e000000e80b000000baf90c0000b006eef4ebfd8a234384e4741083c205ec83ea05a82074' +
  'f588e0eeebe9c30d0a4b45524e454c200020494e4954524420002045' +
  '4e440d0a00';
