import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BulkheadError } from '../../base/errors.ts';
import { signEnvelope } from '../../base/signing/dsse.ts';
import { FOOTER_BYTES, parseFooter } from '../../partitions/slot-blob.ts';
import { slotStreamReader } from '../delta/blob-reader.ts';
import { memorySource } from '../testing/memory-source.ts';
import { makeSyntheticSlot } from '../testing/synthetic-slot.ts';
import { TEST_RELEASE, testKeysets, testTrust } from '../testing/test-keys.ts';
import { fileSource } from './file-source.ts';
import { readHead, serialiseHead } from './head.ts';
import type { BundleManifest, SectionName } from './manifest.ts';
import { inspectBundle, type OpenBundle, openBundle } from './open-bundle.ts';
import { parseIndex, serialiseIndex } from './pieces.ts';
import { unpackBundle, verifyDeep } from './verify-bundle.ts';
import { writeBundle } from './write-bundle.ts';
import { writeDeltaBundle } from './write-delta.ts';

const folder = mkdtempSync(join(tmpdir(), 'bulkhead-verify-'));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (name: string) => join(folder, name);
const code = (wanted: string) => expect.objectContaining({ code: wanted });
const text = (value: string) => new TextEncoder().encode(value);
const NOW = new Date('2026-06-01T00:00:00Z');
const trusted = testTrust();

/** Small enough that every bit of it can be flipped. */
const tiny = makeSyntheticSlot({
  blocks: 6,
  seed: 1,
  version: '1.0.0',
  mutate: (data) => data.fill(0, 4096).set(text('a release of few words'), 5 * 4096),
});
let bytes: Uint8Array;
let places: OpenBundle['sections'];

beforeAll(async () => {
  writeFileSync(at('tiny.slot'), tiny);
  await writeBundle(at('tiny.bundle'), {
    slot_image: at('tiny.slot'),
    keysets: testKeysets(),
    sbom: text('{}'),
    signers: [TEST_RELEASE],
  });
  bytes = Uint8Array.from(readFileSync(at('tiny.bundle')));
  places = (await inspectBundle(memorySource(bytes))).sections;
});

/** How opening a bundle and looking at every byte of it ends. Whatever is thrown must be of ours. */
async function verdict(content: Uint8Array): Promise<string> {
  return codeOf(async () => verifyDeep(await openBundle(memorySource(content), trusted, NOW)));
}

async function codeOf(act: () => Promise<unknown>): Promise<string> {
  try {
    await act();
    return 'taken';
  } catch (error) {
    if (!(error instanceof BulkheadError)) throw error;
    return error.code;
  }
}

test('a whole bundle is taken, every byte of it was read', async () => {
  const source = memorySource(bytes);
  expect(await verifyDeep(await openBundle(source, trusted, NOW))).toBe('content');
  expect(source.total_bytes).toBeGreaterThanOrEqual(bytes.length);
});

describe('of a small bundle', () => {
  test('no beginning is taken for the whole', async () => {
    for (let length = 0; length < bytes.length; length++)
      expect(await verdict(bytes.subarray(0, length)), `${length} bytes`).toBe('BUNDLE_TRUNCATED');
    expect(await verdict(Buffer.concat([bytes, Buffer.of(0)]))).toBe('BUNDLE_TOO_LONG');
  });

  test('no bit of head and envelope can be flipped', async () => {
    const { end_bytes } = await readHead(memorySource(bytes));
    const codes = new Set<string>();
    for (let bit = 0; bit < end_bytes * 8; bit++) {
      const damaged = flipped(bytes, bit);
      codes.add(await codeOf(() => openBundle(memorySource(damaged), trusted, NOW)));
    }
    expect([...codes].sort()).toEqual([
      'BUNDLE_HEAD_INVALID',
      'BUNDLE_NOT_ONE',
      'BUNDLE_TRUNCATED',
      'DSSE_BASE64',
      'DSSE_MALFORMED',
      'DSSE_PAYLOAD_TYPE',
      'DSSE_SIGNATURE_WRONG',
      'KEYS_UNKNOWN',
    ]);
  });

  test.each<[SectionName, string, number]>([
    ['keyset', 'BUNDLE_SECTION_DAMAGED', 13],
    ['tail', 'BUNDLE_SECTION_DAMAGED', 1],
    ['index', 'BUNDLE_SECTION_DAMAGED', 1],
    ['tree', 'BUNDLE_TREE_DAMAGED', 61],
    ['payload', 'UPDATE_PIECE_DAMAGED', 1],
    ['sbom', 'BUNDLE_SECTION_DAMAGED', 1],
  ])('no bit of section %s can be flipped', async (name, expected, step_bits) => {
    const { start_bytes, bytes: length } = places.get(name) ?? { start_bytes: 0, bytes: 0 };
    // Opened once: what is flipped lies behind what was read. For key sets, which opening reads, that is tested below.
    const changing = bytes.slice();
    const bundle = await openBundle(memorySource(changing), trusted, NOW);
    for (let bit = start_bytes * 8; bit < (start_bytes + length) * 8; bit += step_bits) {
      changing[bit >> 3] = (changing[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(await codeOf(() => verifyDeep(bundle)), `bit ${bit}`).toBe(expected);
      changing[bit >> 3] = (changing[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    }
    expect(await verdict(flipped(bytes, start_bytes * 8))).toBe(expected);
    expect(Buffer.compare(changing, bytes)).toBe(0);
  });
});

describe('what a trusted key signed is refused all the same when', () => {
  /** The bundle with other sections and a manifest that is right about them, but for `change`. */
  async function rebuilt(
    sections: Partial<Record<SectionName, Uint8Array>>,
    change: (manifest: BundleManifest) => object = (manifest) => manifest,
  ): Promise<Uint8Array> {
    const { envelope } = await readHead(memorySource(bytes));
    const manifest = JSON.parse(new TextDecoder().decode(envelope.payload)) as BundleManifest;
    const contents = manifest.sections.map(({ name }) => {
      const { start_bytes, bytes: length } = places.get(name) ?? { start_bytes: 0, bytes: 0 };
      return { name, content: sections[name] ?? bytes.subarray(start_bytes, start_bytes + length) };
    });
    const described = contents.map(({ name, content }) => ({
      name,
      bytes: content.length,
      ...(name === 'tree' || name === 'payload' ? {} : { sha256: sha256(content).toString('hex') }),
    }));
    const payload = text(JSON.stringify(change({ ...manifest, sections: described })));
    const head = serialiseHead(signEnvelope({ ...envelope, payload, signatures: [] }, TEST_RELEASE));
    return Buffer.concat([head, ...contents.map(({ content }) => content)]);
  }
  const pieceOf = (payload: Uint8Array, target_bytes = 6 * 4096) => ({
    payload,
    index: serialiseIndex([{ payload_bytes: payload.length, target_bytes, sha256: sha256(payload) }]),
  });
  const data = tiny.subarray(0, 6 * 4096);

  test('nothing is wrong with it: then it is taken', async () => {
    expect(await verdict(await rebuilt(pieceOf(await Bun.zstdCompress(data))))).toBe('taken');
  });

  test.each<[string, () => Promise<Uint8Array>, string]>([
    [
      'its data is other data',
      async () => rebuilt(pieceOf(Bun.zstdCompressSync(new Uint8Array(data.length)))),
      'BUNDLE_ROOT_MISMATCH',
    ],
    [
      'a piece yields less',
      async () => rebuilt(pieceOf(Bun.zstdCompressSync(data.subarray(1)))),
      'UPDATE_PIECE_LENGTH',
    ],
    ['a piece is no zstd', async () => rebuilt(pieceOf(text('no zstd'))), 'BUNDLE_CONTENT_UNREADABLE'],
    [
      'a piece was cut',
      async () => rebuilt(pieceOf(Bun.zstdCompressSync(data).subarray(0, -3))),
      'BUNDLE_CONTENT_UNREADABLE',
    ],
    [
      'its index promises less than the slot needs',
      async () => rebuilt(pieceOf(Bun.zstdCompressSync(data), 4096)),
      'BUNDLE_INDEX_INVALID',
    ],
    [
      'its tail is another',
      async () => rebuilt({ tail: Bun.zstdCompressSync(new Uint8Array(20 * 1024)) }),
      'UPDATE_TAIL_MISMATCH',
    ],
    ['its tail is no zstd', async () => rebuilt({ tail: text('no zstd') }), 'BUNDLE_CONTENT_UNREADABLE'],
    [
      'its version is not that of the slot',
      async () => rebuilt({}, (all) => ({ ...all, version: '1.0.1' })),
      'UPDATE_SLOT_INCOHERENT',
    ],
    [
      'its tree is that of other data',
      async () => rebuilt({ tree: new Uint8Array(4096) }),
      'BUNDLE_TREE_DAMAGED',
    ],
  ])('%s', async (_, make, expected) => {
    expect(await verdict(await make())).toBe(expected);
  });
});

describe('a delta', () => {
  const make = (version: string, mutate: (data: Uint8Array) => void = () => {}) =>
    makeSyntheticSlot({ blocks: 300, seed: 3, version, mutate });
  const rootOf = (slot: Uint8Array) => parseFooter(slot.subarray(-FOOTER_BYTES)).verity.root_hash;
  const base = make('1.0.0');
  const target = make('1.0.1', (data) => data.set(text('a small file that was changed'), 77 * 4096 + 100));

  beforeAll(async () => {
    writeFileSync(at('base.slot'), base);
    writeFileSync(at('target.slot'), target);
    await writeDeltaBundle(at('delta'), {
      slot_image: at('target.slot'),
      base_image: at('base.slot'),
      signers: [TEST_RELEASE],
    });
  });

  test('of one small file has under 4 KB, all in all', () => {
    expect(statSync(at('delta')).size).toBeLessThan(4096);
  });

  test('names its base and turns it into the release, byte for byte', async () => {
    const bundle = await openBundle(fileSource(at('delta')), trusted, NOW);
    expect(bundle.manifest).toMatchObject({
      kind: 'delta',
      version: '1.0.1',
      base: { version: '1.0.0', root_hash: rootOf(base) },
      slot: { root_hash: rootOf(target) },
    });
    expect(bundle.manifest.sections.map(({ name }) => name)).toEqual(['index', 'payload']);
    const reader = slotStreamReader(at('base.slot'), parseFooter(base.subarray(-FOOTER_BYTES)));
    expect(await verifyDeep(bundle, reader)).toBe('content');
    await unpackBundle(bundle, at('unpacked.slot'), reader);
    expect(Buffer.compare(readFileSync(at('unpacked.slot')), target)).toBe(0);
    expect(await verifyDeep(bundle)).toBe('pieces');
    await expect(unpackBundle(bundle, at('none.slot'))).rejects.toThrow(code('BUNDLE_BASE_MISSING'));
    reader.close();
    await bundle.source.close();
  });

  test('applied to another base than its own is found out', async () => {
    const bundle = await openBundle(fileSource(at('delta')), trusted, NOW);
    const other = make('1.0.0', (data) => data.fill(7, 200 * 4096, 201 * 4096));
    writeFileSync(at('other.slot'), other);
    const reader = slotStreamReader(at('other.slot'), parseFooter(other.subarray(-FOOTER_BYTES)));
    // The codec may run into nonsense before there is a root hash to compare.
    const either = expect.stringMatching(/^(BUNDLE_ROOT_MISMATCH|DELTA_PIECE_INVALID)$/);
    await expect(verifyDeep(bundle, reader)).rejects.toThrow(expect.objectContaining({ code: either }));
    reader.close();
    await bundle.source.close();
  });

  test('is not taken with a flipped bit', async () => {
    const delta = Uint8Array.from(readFileSync(at('delta')));
    const reader = slotStreamReader(at('base.slot'), parseFooter(base.subarray(-FOOTER_BYTES)));
    for (let bit = 5; bit < delta.length * 8; bit += 211) {
      const damaged = flipped(delta, bit);
      const act = async () => verifyDeep(await openBundle(memorySource(damaged), trusted, NOW), reader);
      expect(await codeOf(act), `bit ${bit}`).not.toBe('taken');
    }
    reader.close();
  });
});

test('a full bundle gives its slot image back', async () => {
  const bundle = await openBundle(memorySource(bytes), trusted, NOW);
  await unpackBundle(bundle, at('again.slot'));
  expect(Buffer.compare(readFileSync(at('again.slot')), tiny)).toBe(0);
  const index = await bundle.readSection('index');
  expect(parseIndex(index, bundle.section('payload').bytes, 6 * 4096)).toHaveLength(1);
});

function flipped(content: Uint8Array, bit: number): Uint8Array {
  const copy = Uint8Array.from(content);
  copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  return copy;
}

function sha256(content: Uint8Array): Buffer {
  return createHash('sha256').update(content).digest();
}
