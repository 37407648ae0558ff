import { BulkheadError } from '../../base/errors.ts';

/** Header of an entry in the "new" ASCII format, Documentation/driver-api/early-userspace/buffer-format.rst of Linux. */
const HEADER_BYTES = 110;
const MAGIC = '070701';
const LAST_ENTRY = 'TRAILER!!!';
const TYPE_MASK = 0o170000;
const REGULAR = 0o100000;
const ZSTD_MAGIC = 0xfd2fb528;

/**
 * The regular files in an initrd: an uncompressed archive with microcode, if there is one, and a zstd-compressed one behind it.
 * Links are left out: most are names of busybox.
 *
 * @throws BulkheadError IMAGE_INITRD_FORMAT
 */
export function initrdFiles(bytes: Uint8Array): string[] {
  const names: string[] = [];
  let rest = bytes;
  while (rest.length > 0) {
    const view = new DataView(rest.buffer, rest.byteOffset, rest.byteLength);
    if (rest.length >= 4 && view.getUint32(0, true) === ZSTD_MAGIC) {
      names.push(...readArchive(Bun.zstdDecompressSync(rest)).names);
      break;
    }
    // Between archives stand zeroes.
    if (rest[0] === 0) {
      rest = rest.subarray(1);
      continue;
    }
    const archive = readArchive(rest);
    names.push(...archive.names);
    rest = rest.subarray(archive.end);
  }
  return names;
}

function readArchive(bytes: Uint8Array): { names: string[]; end: number } {
  const text = (from: number, to: number) => Buffer.from(bytes.subarray(from, to)).toString('latin1');
  const names: string[] = [];
  let at = 0;
  while (at + HEADER_BYTES <= bytes.length && text(at, at + MAGIC.length) === MAGIC) {
    const field = (index: number) => Number.parseInt(text(at + 6 + index * 8, at + 14 + index * 8), 16);
    const [mode, size_bytes, name_bytes] = [field(1), field(6), field(11)];
    if (![mode, size_bytes, name_bytes].every(Number.isInteger)) break;
    const name = text(at + HEADER_BYTES, at + HEADER_BYTES + name_bytes - 1);
    // Name and content each end on a multiple of four.
    at = pad(pad(at + HEADER_BYTES + name_bytes) + size_bytes);
    if (name === LAST_ENTRY) return { names, end: Math.min(at, bytes.length) };
    if ((mode & TYPE_MASK) === REGULAR) names.push(name);
  }
  throw new BulkheadError('IMAGE_INITRD_FORMAT', `the initrd has no cpio entry at byte ${at} of an archive`);
}

function pad(offset: number): number {
  return (offset + 3) & ~3;
}
