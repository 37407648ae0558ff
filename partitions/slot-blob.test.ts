import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseEnvBlock } from './env-block.ts';
import {
  bootFileRuns,
  buildFooter,
  buildHeader,
  FOOTER_BYTES,
  footerOffset,
  parseFooter,
  type SlotManifest,
} from './slot-blob.ts';

const manifest: SlotManifest = {
  format: 1,
  name: 'bulkhead',
  version: '1.2.3',
  revision: 'abc',
  built_at: '2026-01-01T00:00:00Z',
  compatible: ['t640'],
  data_bytes: 8192,
  blob_bytes: 8192 + 4096 + FOOTER_BYTES,
  verity: { root_hash: 'a'.repeat(64), salt: 'b'.repeat(64), data_blocks: 2 },
  kernel_sha256: 'c'.repeat(64),
  initrd_sha256: 'd'.repeat(64),
};
const files = {
  kernel: { start: 8, count: 3 },
  initrd: { start: 16, count: 2 },
};

describe('the header of a slot', () => {
  test('says where the footer is, wherever that is', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 3_000_000 }), (block) => {
        expect(footerOffset(buildHeader(block * 4096))).toBe(block * 4096);
      }),
    );
  });

  test('names what GRUB loads: grub block and digests inside the footer', () => {
    expect(parseEnvBlock(buildHeader(1_048_576))).toEqual({
      slot_format: '1',
      slot_grub: '2048+2',
      slot_digests: '2050+1',
      slot_footer: '2048+32',
    });
  });

  test.each([
    ['zeroes', new Uint8Array(512)],
    ['another format', rewritten('slot_format=1', 'slot_format=2')],
    ['a footer of another size', rewritten('slot_footer=2048+32', 'slot_footer=2048+33')],
    ['a footer that is no place', rewritten('slot_footer=2048+32', 'slot_footer=+32')],
    ['no footer', rewritten('slot_footer=', 'slot_foot=')],
  ])('is none with %s', (_name, sector) => {
    expect(footerOffset(sector)).toBeUndefined();
  });
});

describe('the footer of a slot', () => {
  test('gives the manifest back', () => {
    const footer = buildFooter(manifest, files);
    expect(footer).toHaveLength(FOOTER_BYTES);
    expect(parseFooter(footer)).toEqual(manifest);
  });

  test('holds what GRUB starts', () => {
    const footer = buildFooter(manifest, files);
    expect(parseEnvBlock(footer.subarray(0, 1024))).toEqual({
      slot_version: '1.2.3',
      slot_verity: `${'a'.repeat(64)}:2:${'b'.repeat(64)}`,
      slot_kernel: '8+3',
      slot_initrd: '16+2',
    });
    expect(bootFileRuns(footer)).toEqual({ kernel: files.kernel, initrd: files.initrd });
  });

  test('lists digests in the form of sha256sum, padded in front to one sector', () => {
    const list = new TextDecoder().decode(buildFooter(manifest, files).subarray(1024, 1536));
    expect(list.trimStart()).toBe(`${'c'.repeat(64)}  8+3\n${'d'.repeat(64)}  16+2\n`);
  });

  test.each([
    ['zeroes', (footer: Uint8Array) => footer.fill(0)],
    ['a torn manifest', (footer: Uint8Array) => footer.fill(0, 1536 + 100)],
    ['another name', (footer: Uint8Array) => replace(footer, '"bulkhead"', '"bulkhaed"')],
    ['a hash that is none', (footer: Uint8Array) => replace(footer, 'cccccccc', 'CCCCCCCC')],
    ['a field nobody knows', (footer: Uint8Array) => replace(footer, '"revision"', '"revisiom"')],
  ])('is refused with %s', (_name, damage) => {
    const footer = buildFooter(manifest, files);
    damage(footer);
    expect(() => parseFooter(footer)).toThrow(expect.objectContaining({ code: 'SLOT_FOOTER_DAMAGED' }));
  });

  test('names no boot files when its GRUB block is damaged', () => {
    const footer = buildFooter(manifest, files);
    expect(bootFileRuns(footer.slice().fill(0, 0, 512))).toBeUndefined();
    replace(footer, 'slot_kernel=8+3', 'slot_kernel=8-3');
    expect(bootFileRuns(footer)).toBeUndefined();
  });

  test('refuses a manifest that does not fit', () => {
    const large = {
      ...manifest,
      compatible: Array.from({ length: 2000 }, (_, index) => `hardware-${index}`),
    };
    expect(() => buildFooter(large, files)).toThrow(
      expect.objectContaining({ code: 'SLOT_MANIFEST_TOO_LARGE' }),
    );
  });
});

function rewritten(from: string, to: string): Uint8Array {
  const sector = buildHeader(1_048_576);
  replace(sector, from, to);
  return sector;
}

/** Replaces the last place of a text, so that digests in front of a manifest stay. */
function replace(bytes: Uint8Array, from: string, to: string): void {
  const at = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).lastIndexOf(from);
  if (at < 0) throw new Error(`no '${from}' in there`);
  bytes.set(Buffer.from(to.padEnd(from.length, '#')), at);
}
