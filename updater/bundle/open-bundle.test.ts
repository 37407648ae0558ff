import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { zstdDecompressSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { signEnvelope } from '../../base/signing/dsse.ts';
import { FOOTER_BYTES } from '../../partitions/slot-blob.ts';
import { PackedFile } from '../blocks/packed-file.ts';
import { frameRoom, unpackBlock } from '../blocks/packed-format.ts';
import { PIECE_TARGET_BYTES } from '../limits.ts';
import { changeKeyset } from '../signing/keyset-edit.ts';
import { acceptKeysets } from '../signing/trust.ts';
import { readRange } from '../source.ts';
import { memorySource } from '../testing/memory-source.ts';
import { makeSyntheticSlot } from '../testing/synthetic-slot.ts';
import {
  signedKeyset,
  TEST_RELEASE,
  TEST_ROOT,
  testKey,
  testKeysets,
  testTrust,
  withRoles,
} from '../testing/test-keys.ts';
import { fileSource } from './file-source.ts';
import { readHead, serialiseHead } from './head.ts';
import { type BundleManifest, SECTION_NAMES } from './manifest.ts';
import { inspectBundle, openBundle } from './open-bundle.ts';
import { parseIndex } from './pieces.ts';
import { bundleSigningBytes, signBundle } from './sign-bundle.ts';
import { type BundleContent, writeBlocks, writeBundle } from './write-bundle.ts';

const folder = mkdtempSync(join(tmpdir(), 'bulkhead-bundle-'));
afterAll(() => rmSync(folder, { recursive: true }));

const code = (wanted: string) => expect.objectContaining({ code: wanted });
const text = (value: string) => new TextEncoder().encode(value);
const NOW = new Date('2026-06-01T00:00:00Z');
const slot = makeSyntheticSlot({ blocks: 300, seed: 1, version: '1.2.0' });
const slotFile = join(folder, 'slot');
const bundleFile = join(folder, 'x.bundle');
const content: BundleContent = {
  slot_image: slotFile,
  sbom: text('{"bomFormat":"CycloneDX"}'),
  provenance: text('{"_type":"statement"}'),
  keysets: testKeysets(),
  expires: '2026-07-01T00:00:00Z',
  replaces_min: '1.0.0',
  signers: [TEST_RELEASE],
  zstd_level: 1,
};
const trusted = testTrust();
let bytes: Uint8Array;

beforeAll(async () => {
  writeFileSync(slotFile, slot);
  await writeBundle(bundleFile, content);
  bytes = readFileSync(bundleFile);
});

/** A bundle of the same sections whose manifest was changed and signed again. */
async function withManifest(
  change: (manifest: BundleManifest) => object,
  signer = TEST_RELEASE,
): Promise<Uint8Array> {
  const { envelope, end_bytes } = await readHead(memorySource(bytes));
  const manifest = JSON.parse(new TextDecoder().decode(envelope.payload)) as BundleManifest;
  const payload = text(JSON.stringify(change(manifest)));
  const head = serialiseHead(signEnvelope({ ...envelope, payload, signatures: [] }, signer));
  return Buffer.concat([head, bytes.subarray(end_bytes)]);
}

describe('a full bundle', () => {
  test('has every section in its order, and what is in them is the slot', async () => {
    const bundle = await openBundle(fileSource(bundleFile), trusted, NOW);
    const { manifest } = bundle;
    expect(manifest).toMatchObject({
      kind: 'full',
      version: '1.2.0',
      built_at: '2026-01-02T03:04:05Z',
      compatible: ['qemu'],
      replaces_min: '1.0.0',
      expires: '2026-07-01T00:00:00Z',
      slot: { data_bytes: 300 * 4096, blob_bytes: slot.length },
    });
    expect(manifest.sections.map(({ name }) => name)).toEqual(SECTION_NAMES);
    expect([...bundle.sections.values()].at(-1)).toMatchObject({ bytes: 21 });
    const tail = zstdDecompressSync(await bundle.readSection('tail'));
    expect(Buffer.compare(tail.subarray(-FOOTER_BYTES), slot.subarray(-FOOTER_BYTES))).toBe(0);
    expect(new TextDecoder().decode(await bundle.readSection('sbom'))).toContain('CycloneDX');
    const pieces = parseIndex(await bundle.readSection('index'), bundle.section('payload').bytes, 300 * 4096);
    expect(pieces.map((piece) => piece.target_bytes)).toEqual([
      ...Array.from({ length: 3 }, () => PIECE_TARGET_BYTES),
      300 * 4096 - 3 * PIECE_TARGET_BYTES,
    ]);
    const { start_bytes } = bundle.section('payload');
    const first = zstdDecompressSync(
      bytes.subarray(start_bytes, start_bytes + (pieces[0]?.payload_bytes ?? 0)),
    );
    expect(Buffer.compare(first, slot.subarray(0, PIECE_TARGET_BYTES))).toBe(0);
    const tree = bundle.section('tree');
    expect(
      Buffer.compare(
        bytes.subarray(tree.start_bytes, tree.start_bytes + tree.bytes),
        slot.subarray(301 * 4096, slot.length - FOOTER_BYTES),
      ),
    ).toBe(0);
    expect(bundle.signed_by).toEqual([TEST_RELEASE.key_id]);
    await bundle.source.close();
  });

  test('is the same bytes when it is made again', async () => {
    const again = join(folder, 'again.bundle');
    const written = await writeBundle(again, content);
    expect(Buffer.compare(readFileSync(again), bytes)).toBe(0);
    expect(written).toMatchObject({ size_bytes: bytes.length });
    const { digest } = await readHead(memorySource(bytes));
    expect(written.digest).toBe(digest);
  });

  test('leaves nothing beside it', () => {
    expect(readdirSync(folder).filter((name) => /\.(new|payload)$/.test(name))).toEqual([]);
  });

  test('is opened by reading its head and key sets, nothing else', async () => {
    const source = memorySource(bytes);
    await openBundle(source, trusted, NOW);
    const { end_bytes } = await readHead(memorySource(bytes));
    const keyset = (await inspectBundle(memorySource(bytes))).section('keyset').bytes;
    expect(source.total_bytes).toBe(end_bytes + keyset);
  });

  test('has pieces of one length, and none outgrows its limit where nothing shrinks', async () => {
    const noise = makeSyntheticSlot({
      blocks: 520,
      seed: 2,
      version: '1.2.0',
      mutate: (data) => {
        let state = 1;
        for (let at = 0; at < data.length; at++) {
          state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
          data[at] = state >>> 23;
        }
      },
    });
    const [noiseFile, output] = [join(folder, 'noise'), join(folder, 'noise.bundle')];
    writeFileSync(noiseFile, noise);
    await writeBundle(output, { slot_image: noiseFile, signers: [TEST_RELEASE], zstd_level: 1 });
    const bundle = await openBundle(fileSource(output), trusted, NOW);
    const index = await bundle.readSection('index');
    const pieces = parseIndex(index, bundle.section('payload').bytes, 520 * 4096);
    expect(pieces.map((piece) => piece.target_bytes)).toEqual([
      ...Array.from({ length: 5 }, () => PIECE_TARGET_BYTES),
      520 * 4096 - 5 * PIECE_TARGET_BYTES,
    ]);
    expect(Math.max(...pieces.map((piece) => piece.payload_bytes))).toBeGreaterThan(PIECE_TARGET_BYTES);
    await bundle.source.close();
  });

  test('comes with its blocks, each packed by itself, when that is asked for', async () => {
    await writeBlocks(`${bundleFile}.blocks`, slotFile, 300 * 4096);
    const source = fileSource(`${bundleFile}.blocks`);
    const file = await PackedFile.open(source, 300);
    const numbers = Array.from({ length: 300 }, (_, block) => block);
    await file?.runsOf(numbers);
    for (const block of numbers) {
      const { start_bytes = 0, end_bytes = 0 } = file?.placeOf(block) ?? {};
      const found =
        unpackBlock(await readRange(source, start_bytes, end_bytes), frameRoom()) ?? new Uint8Array(0);
      expect(Buffer.compare(found, slot.subarray(block * 4096, (block + 1) * 4096))).toBe(0);
    }
    await source.close();
  });
});

describe('no bundle is made', () => {
  test.each<[string, (slot: Uint8Array) => Uint8Array]>([
    ['a block of its data is damaged', (whole) => flip(whole, 200 * 4096)],
    ['its tree is damaged', (whole) => flip(whole, 301 * 4096 + 5)],
    ['a digest that GRUB compares is another', (whole) => flip(whole, whole.length - FOOTER_BYTES + 1500)],
    ['the digest of its kernel is another', (whole) => replaced(whole, '"kernel_sha256":"')],
    ['the digest of its initrd is another', (whole) => replaced(whole, '"initrd_sha256":"')],
    ['its manifest tells of other lengths', (whole) => replaced(whole, '"data_bytes":')],
    ['its footer is damaged', (whole) => flip(whole, whole.length - FOOTER_BYTES + 1536)],
    ['GRUB finds no kernel in its footer', (whole) => flip(whole, whole.length - FOOTER_BYTES)],
    ['it has no header', (whole) => flip(whole, 3)],
    ['its end is missing', (whole) => whole.subarray(0, -4096)],
    ['something is behind its end', (whole) => Buffer.concat([whole, Buffer.alloc(4096)])],
    ['it is something else', () => new Uint8Array(100)],
  ])('of a slot image when %s', async (_, damage) => {
    const [damaged, output] = [join(folder, 'damaged'), join(folder, 'none.bundle')];
    writeFileSync(damaged, damage(slot.slice()));
    await expect(writeBundle(output, { slot_image: damaged, signers: [] })).rejects.toThrow(
      expect.objectContaining({
        code: expect.stringMatching(/^(BUNDLE_SLOT_UNUSABLE|SLOT_FOOTER_DAMAGED)$/),
      }),
    );
    expect(readdirSync(folder).filter((name) => name.startsWith('none'))).toEqual([]);
  });

  test('that ends on a day that does not exist, or has a version that is none', async () => {
    const output = join(folder, 'none.bundle');
    await expect(writeBundle(output, { ...content, expires: '2026-02-30T00:00:00Z' })).rejects.toThrow(
      code('BUNDLE_INCOHERENT'),
    );
    await expect(writeBundle(output, { ...content, replaces_min: '1.0' })).rejects.toThrow(
      code('BUNDLE_MANIFEST_INVALID'),
    );
    await expect(writeBundle(join(folder, 'no/such.bundle'), content)).rejects.toThrow(
      code('BUNDLE_WRITE_FAILED'),
    );
    expect(readdirSync(folder).filter((name) => name.startsWith('none'))).toEqual([]);
  });
});

describe('refused, by a manifest that a trusted key signed', () => {
  const sections = (change: (all: BundleManifest['sections']) => object[]) => (manifest: BundleManifest) => ({
    ...manifest,
    sections: change(manifest.sections),
  });
  const inSlot = (change: object) => (manifest: BundleManifest) => ({
    ...manifest,
    slot: { ...manifest.slot, ...change },
  });
  const inSection = (wanted: string, change: object) =>
    sections((all) => all.map((section) => (section.name === wanted ? { ...section, ...change } : section)));
  const without = (wanted: string) => sections((all) => all.filter(({ name }) => name !== wanted));

  test.each<[string, (manifest: BundleManifest) => object, string]>([
    ['another format', (all) => ({ ...all, format: 2 }), 'BUNDLE_MANIFEST_INVALID'],
    ['a field nobody knows', (all) => ({ ...all, extra: true }), 'BUNDLE_MANIFEST_INVALID'],
    ['another name', (all) => ({ ...all, name: 'bulkheat' }), 'BUNDLE_MANIFEST_INVALID'],
    ['no hardware', (all) => ({ ...all, compatible: [] }), 'BUNDLE_MANIFEST_INVALID'],
    ['a version that is none', (all) => ({ ...all, version: 'v1' }), 'BUNDLE_MANIFEST_INVALID'],
    ['a list as version', (all) => ({ ...all, version: [all.version] }), 'BUNDLE_MANIFEST_INVALID'],
    ['an object as time', (all) => ({ ...all, built_at: { toString: 0 } }), 'BUNDLE_MANIFEST_INVALID'],
    ['a list as root hash', inSlot({ root_hash: ['a'.repeat(64)] }), 'BUNDLE_MANIFEST_INVALID'],
    ['a negative length', inSection('sbom', { bytes: -1 }), 'BUNDLE_MANIFEST_INVALID'],
    ['a fraction as length', inSection('sbom', { bytes: 1.5 }), 'BUNDLE_MANIFEST_INVALID'],
    ['a section nobody knows', inSection('sbom', { name: 'code' }), 'BUNDLE_MANIFEST_INVALID'],
    ['a data area that is no blocks', inSlot({ data_bytes: 4097 }), 'BUNDLE_MANIFEST_INVALID'],
    ['a slot of a terabyte', inSlot({ data_bytes: 2 ** 40 }), 'BUNDLE_MANIFEST_INVALID'],
    ['no index', without('index'), 'BUNDLE_INCOHERENT'],
    ['no tail', without('tail'), 'BUNDLE_INCOHERENT'],
    ['no tree', without('tree'), 'BUNDLE_INCOHERENT'],
    ['no payload', without('payload'), 'BUNDLE_INCOHERENT'],
    ['its sections in another order', sections((all) => all.toReversed()), 'BUNDLE_INCOHERENT'],
    [
      'a section twice',
      sections((all) => all.map((one) => (one.name === 'provenance' ? all[5] : one)) as object[]),
      'BUNDLE_INCOHERENT',
    ],
    ['no digest of the index', inSection('index', { sha256: undefined }), 'BUNDLE_INCOHERENT'],
    ['a digest of the payload', inSection('payload', { sha256: '0'.repeat(64) }), 'BUNDLE_INCOHERENT'],
    ['an empty section', inSection('sbom', { bytes: 0 }), 'BUNDLE_INCOHERENT'],
    ['a document of 9 MiB', inSection('sbom', { bytes: 9 << 20 }), 'BUNDLE_INCOHERENT'],
    ['key sets of a megabyte', inSection('keyset', { bytes: 1 << 20 }), 'BUNDLE_INCOHERENT'],
    ['a tail of 22 KiB', inSection('tail', { bytes: 22 << 10 }), 'BUNDLE_INCOHERENT'],
    ['a tree of another length', inSection('tree', { bytes: 4096 }), 'BUNDLE_INCOHERENT'],
    ['a slot that is longer than its parts', inSlot({ blob_bytes: slot.length + 4096 }), 'BUNDLE_INCOHERENT'],
    [
      'a base, though it is full',
      (all) => ({ ...all, base: { version: '1.0.0', root_hash: all.slot.root_hash } }),
      'BUNDLE_INCOHERENT',
    ],
    [
      'no base, though it is a delta',
      (all) => ({
        ...all,
        kind: 'delta',
        sections: all.sections.filter(({ name }) => /index|payload/.test(name)),
      }),
      'BUNDLE_INCOHERENT',
    ],
    ['a tail, though it is a delta', (all) => ({ ...all, kind: 'delta' }), 'BUNDLE_INCOHERENT'],
    ['a build on no day', (all) => ({ ...all, built_at: '2026-13-01T00:00:00Z' }), 'BUNDLE_INCOHERENT'],
    ['an end that has come', (all) => ({ ...all, expires: '2026-06-01T00:00:00Z' }), 'BUNDLE_EXPIRED'],
    ['a payload that is longer than the file', inSection('payload', { bytes: 50 << 20 }), 'BUNDLE_TRUNCATED'],
    ['a payload that is shorter than the file', inSection('payload', { bytes: 100 }), 'BUNDLE_TOO_LONG'],
    [
      'another digest of its key sets',
      inSection('keyset', { sha256: '0'.repeat(64) }),
      'BUNDLE_SECTION_DAMAGED',
    ],
  ])('%s', async (_, change, expected) => {
    const source = memorySource(await withManifest(change));
    await expect(openBundle(source, trusted, NOW)).rejects.toThrow(code(expected));
  });

  test('an end that the clock has not reached but the key set has', async () => {
    const early = await withManifest((all) => ({ ...all, expires: '2025-12-31T00:00:00Z' }));
    await expect(openBundle(memorySource(early), trusted, new Date(0))).rejects.toThrow(
      code('BUNDLE_EXPIRED'),
    );
  });
});

describe('signatures of a bundle', () => {
  test('of keys that are not trusted are refused', async () => {
    const strange = memorySource(await withManifest((all) => all, testKey('stranger')));
    await expect(openBundle(strange, trusted, NOW)).rejects.toThrow(code('KEYS_UNKNOWN'));
    const root = memorySource(await withManifest((all) => all, TEST_ROOT));
    await expect(openBundle(root, trusted, NOW)).rejects.toThrow(code('KEYS_WRONG_ROLE'));
  });

  test('can be added afterwards, also by a key that is elsewhere; what is signed stays the same', async () => {
    const unsigned = join(folder, 'unsigned.bundle');
    const { digest } = await writeBundle(unsigned, { ...content, signers: [] });
    await expect(openBundle(fileSource(unsigned), trusted, NOW)).rejects.toThrow(code('DSSE_UNSIGNED'));
    const sig = TEST_RELEASE.sign(await bundleSigningBytes(unsigned));
    const elsewhere = { key_id: TEST_RELEASE.key_id, sign: () => sig };
    expect(await signBundle(unsigned, [elsewhere])).toEqual([TEST_RELEASE.key_id]);
    expect(Buffer.compare(readFileSync(unsigned), bytes)).toBe(0);
    const second = testKey('second');
    expect(await signBundle(unsigned, [second, TEST_RELEASE])).toEqual([second.key_id, TEST_RELEASE.key_id]);
    const bundle = await openBundle(fileSource(unsigned), trusted, NOW);
    expect(bundle).toMatchObject({ digest, signed_by: [TEST_RELEASE.key_id] });
    expect(bundle.claimed_keys).toEqual([second.key_id, TEST_RELEASE.key_id]);
    await bundle.source.close();
  });

  test('are not put on half a bundle', async () => {
    const half = join(folder, 'half.bundle');
    writeFileSync(half, bytes.subarray(0, -1));
    await expect(signBundle(half, [TEST_RELEASE])).rejects.toThrow(code('BUNDLE_TRUNCATED'));
    expect(readFileSync(half)).toHaveLength(bytes.length - 1);
  });
});

describe('key sets in a bundle', () => {
  const fresh = testKey('fresh');
  const second = changeKeyset(
    trusted.keyset,
    { add: [withRoles(fresh, 'release')], revoke: [TEST_RELEASE.key_id], reason: 'lost' },
    Date.parse('2026-05-01T00:00:00Z'),
  );
  const chain = [...testKeysets(), signedKeyset(second, TEST_ROOT)];
  const small = join(folder, 'small');
  writeFileSync(small, makeSyntheticSlot({ blocks: 8, seed: 1, version: '1.2.0' }));
  const bundleOf = async (signer: typeof fresh, keysets = chain) => {
    const output = join(folder, 'keys.bundle');
    await writeBundle(output, { slot_image: small, keysets, signers: [signer] });
    return memorySource(readFileSync(output));
  };

  test('introduce the key that signed the bundle to a machine that does not know it', async () => {
    const bundle = await openBundle(await bundleOf(fresh), trusted, NOW);
    expect(bundle).toMatchObject({ keysChanged: true, signed_by: [fresh.key_id] });
    expect(bundle.trusted.keyset).toEqual(second);
    expect(bundle.trusted.chain).toHaveLength(2);
  });

  test('that are known already change nothing', async () => {
    const known = acceptKeysets(trusted, chain).trusted;
    expect(await openBundle(await bundleOf(fresh), known, NOW)).toMatchObject({
      keysChanged: false,
      trusted: known,
    });
  });

  test('that revoke the key that signed the bundle make it refused', async () => {
    await expect(openBundle(await bundleOf(TEST_RELEASE), trusted, NOW)).rejects.toThrow(
      code('KEYS_REVOKED'),
    );
  });

  test('that nobody trusted has signed introduce nobody', async () => {
    const own = [...testKeysets(), signedKeyset(second, fresh)];
    await expect(openBundle(await bundleOf(fresh, own), trusted, NOW)).rejects.toThrow(code('KEYS_UNKNOWN'));
    await expect(openBundle(await bundleOf(TEST_RELEASE, own), trusted, NOW)).rejects.toThrow(
      code('KEYS_SUCCESSOR_REFUSED'),
    );
  });
});

test('a bundle can be looked at without keys, and damage of its form is still told', async () => {
  const file = await inspectBundle(memorySource(await withManifest((all) => all, testKey('stranger'))));
  expect(file).toMatchObject({ manifest: { version: '1.2.0' }, claimed_keys: [testKey('stranger').key_id] });
  expect(file).not.toHaveProperty('signed_by');
  await expect(inspectBundle(memorySource(text('<html>404 Not Found</html>')))).rejects.toThrow(
    code('BUNDLE_NOT_ONE'),
  );
  await expect(inspectBundle(memorySource(new Uint8Array(3)))).rejects.toThrow(code('BUNDLE_TRUNCATED'));
});

/** Another digit behind a place in the footer's manifest. */
function replaced(whole: Uint8Array, place: string): Uint8Array {
  const at = Buffer.from(whole.buffer, whole.byteOffset, whole.length).lastIndexOf(place) + place.length;
  whole[at] = whole[at] === 0x31 ? 0x32 : 0x31;
  return whole;
}

function flip(bytes_: Uint8Array, at: number): Uint8Array {
  bytes_[at] = (bytes_[at] ?? 0) ^ 0x10;
  return bytes_;
}
