import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BulkheadError } from '../../base/errors.ts';
import { type Envelope, parseEnvelope, serialiseEnvelope, signEnvelope } from '../../base/signing/dsse.ts';
import { ENVELOPE_MAX_BYTES } from '../../base/signing/limits.ts';
import { KEYSET_PAYLOAD_TYPE, parseKeyset } from '../signing/keyset.ts';
import { parseKeysetFile } from '../signing/keyset-file.ts';
import { KEYSET_FILE_MAX_BYTES } from '../signing/limits.ts';
import { memorySource } from '../testing/memory-source.ts';
import { makeSyntheticSlot } from '../testing/synthetic-slot.ts';
import { TEST_RELEASE, testKey, testKeysets, testTrust } from '../testing/test-keys.ts';
import { serialiseHead } from './head.ts';
import { BUNDLE_MAGIC, BUNDLE_PAYLOAD_TYPE, type BundleManifest } from './manifest.ts';
import { inspectBundle, openBundle } from './open-bundle.ts';
import { parseIndex } from './pieces.ts';
import { writeBundle } from './write-bundle.ts';

/**
 * Everything that is read before anybody knows who made it. A few hundred tries a property in a normal run, minutes of them with
 * BULKHEAD_FULL=1. BULKHEAD_FUZZ_SEED repeats a run.
 */
const FULL = process.env['BULKHEAD_FULL'] === '1';
const seed = Number(process.env['BULKHEAD_FUZZ_SEED'] ?? Date.now() % 2 ** 31);
const options = FULL
  ? { seed, numRuns: 1_000_000, interruptAfterTimeLimit: 10_000, markInterruptAsFailure: false }
  : { seed, numRuns: 300, interruptAfterTimeLimit: 2_000, markInterruptAsFailure: false };
const TIMEOUT_MS = 60_000;

const NOW = new Date('2026-06-01T00:00:00Z');
const trusted = testTrust();
const folder = mkdtempSync(join(tmpdir(), 'bulkhead-fuzz-'));
afterAll(() => rmSync(folder, { recursive: true }));
let bundle: Uint8Array;
let manifest: BundleManifest;
/** Head and key sets: what openBundle reads. */
let read_bytes = 0;

beforeAll(async () => {
  process.stdout.write(`fuzzing with BULKHEAD_FUZZ_SEED=${seed}\n`);
  const slot = makeSyntheticSlot({ blocks: 8, seed: 1, version: '1.0.0' });
  const [slotFile, bundleFile] = [join(folder, 'slot'), join(folder, 'bundle')];
  writeFileSync(slotFile, slot);
  await writeBundle(bundleFile, { slot_image: slotFile, keysets: testKeysets(), signers: [TEST_RELEASE] });
  bundle = Uint8Array.from(readFileSync(bundleFile));
  const file = await inspectBundle(memorySource(bundle));
  manifest = file.manifest;
  const { start_bytes, bytes } = file.section('keyset');
  read_bytes = start_bytes + bytes;
});

/** Opens, and says how that ended. Whatever else than a BulkheadError is thrown fails the test, as does a large read. */
async function attempt(bytes: Uint8Array): Promise<string> {
  const source = memorySource(bytes);
  try {
    await openBundle(source, trusted, NOW);
    return 'opened';
  } catch (error) {
    if (!(error instanceof BulkheadError)) throw error;
    return error.code;
  } finally {
    expect(source.largest_bytes).toBeLessThanOrEqual(Math.max(ENVELOPE_MAX_BYTES, KEYSET_FILE_MAX_BYTES));
  }
}

/** Runs something that may only throw BulkheadErrors. */
function onlyOurErrors(act: () => unknown): void {
  try {
    act();
  } catch (error) {
    if (!(error instanceof BulkheadError)) throw error;
  }
}

const framed = (envelope: Uint8Array, announced_bytes = envelope.length) => {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(announced_bytes >>> 0);
  return Buffer.concat([Buffer.from(BUNDLE_MAGIC), length, envelope]);
};
const text = (value: string) => new TextEncoder().encode(value);
const signed = (payload: Uint8Array, key = TEST_RELEASE): Envelope =>
  signEnvelope({ payloadType: BUNDLE_PAYLOAD_TYPE, payload, signatures: [] }, key);

/** One change of a file. Places are fractions, so that they fall into files of every length. */
const change = fc.oneof(
  fc.record({
    kind: fc.constant('flip'),
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    value: fc.integer({ min: 1, max: 255 }),
  }),
  fc.record({
    kind: fc.constant('cut'),
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    value: fc.integer({ min: 1, max: 3000 }),
  }),
  fc.record({
    kind: fc.constant('repeat'),
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    value: fc.integer({ min: 1, max: 3000 }),
  }),
  fc.record({
    kind: fc.constant('insert'),
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    value: fc.integer({ min: 0, max: 255 }),
  }),
  fc.record({
    kind: fc.constant('truncate'),
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    value: fc.constant(0),
  }),
);

function changed(
  bytes: Uint8Array,
  { kind, at, value }: { kind: string; at: number; value: number },
): Uint8Array {
  const place = Math.floor(at * bytes.length);
  const [before, behind] = [bytes.subarray(0, place), bytes.subarray(place)];
  if (kind === 'cut') return Buffer.concat([before, behind.subarray(value)]);
  if (kind === 'repeat') return Buffer.concat([before, behind.subarray(0, value), behind]);
  if (kind === 'insert') return Buffer.concat([before, Uint8Array.of(value), behind]);
  if (kind === 'truncate') return before;
  const copy = Uint8Array.from(bytes);
  if (place < copy.length) copy[place] = (copy[place] ?? 0) ^ value;
  return copy;
}

describe('never anything but a refusal, for', () => {
  test(
    'bytes of any kind',
    async () => {
      await fc.assert(
        fc.asyncProperty(fc.uint8Array({ maxLength: 4000 }), async (bytes) => {
          expect(await attempt(bytes)).not.toBe('opened');
          expect(await attempt(framed(bytes))).not.toBe('opened');
        }),
        options,
      );
    },
    TIMEOUT_MS,
  );

  test(
    'announced lengths of any size',
    async () => {
      const lengths = fc.oneof(
        fc.integer({ min: 0, max: 2 ** 32 - 1 }),
        fc.constantFrom(0, 1, 65_536, 65_537, 2 ** 31),
      );
      await fc.assert(
        fc.asyncProperty(lengths, fc.boolean(), async (announced_bytes, whole) => {
          const envelope = whole ? bundle.subarray(20) : text('{}');
          fc.pre(announced_bytes !== Buffer.from(bundle).readUInt32LE(16) || !whole);
          expect(await attempt(framed(envelope, announced_bytes))).not.toBe('opened');
        }),
        options,
      );
    },
    TIMEOUT_MS,
  );

  test(
    'valid bundles that were changed, up to four times',
    async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 4 }), async (changes) => {
          const damaged = changes.reduce(changed, bundle);
          const verdict = await attempt(damaged);
          // What openBundle does not read, it does not judge; its length it does.
          const same = Buffer.compare(damaged.subarray(0, read_bytes), bundle.subarray(0, read_bytes)) === 0;
          expect(verdict === 'opened').toBe(same && damaged.length === bundle.length);
        }),
        options,
      );
    },
    TIMEOUT_MS,
  );

  test(
    'envelopes of any JSON',
    async () => {
      await fc.assert(
        fc.asyncProperty(fc.json({ maxDepth: 6 }), async (json) => {
          expect(await attempt(framed(text(json)))).not.toBe('opened');
        }),
        options,
      );
    },
    TIMEOUT_MS,
  );

  test(
    'envelopes with fields of any value',
    async () => {
      // What becomes a text when it is asked for one, or throws then.
      const disguised = fc.constantFrom([TEST_RELEASE.key_id], { toString: 0, valueOf: 0 }, { length: 88 });
      const anything = fc.oneof(fc.anything({ maxDepth: 2 }), disguised);
      const base64 = fc.oneof(fc.base64String(), fc.string(), anything);
      const envelopes = fc.record(
        {
          payload: base64,
          payloadType: fc.oneof(fc.constant(BUNDLE_PAYLOAD_TYPE), anything),
          signatures: fc.oneof(
            fc.array(fc.record({ keyid: fc.oneof(fc.constant(TEST_RELEASE.key_id), anything), sig: base64 })),
            anything,
          ),
          extra: anything,
        },
        { requiredKeys: [] },
      );
      await fc.assert(
        fc.asyncProperty(envelopes, async (envelope) => {
          // Not every value has a form in JSON (a BigInt has none).
          const json = JSON.stringify(envelope, (_, value: unknown) =>
            typeof value === 'bigint' ? `${value}` : value,
          );
          expect(await attempt(framed(text(json)))).not.toBe('opened');
        }),
        options,
      );
    },
    TIMEOUT_MS,
  );

  test(
    'manifests that a stranger signed, valid ones too',
    async () => {
      const stranger = testKey('stranger');
      const rest = bundle.subarray(read_bytes - manifestBytes('keyset'));
      await fc.assert(
        fc.asyncProperty(fieldChange(), async (damage) => {
          const envelope = signed(text(JSON.stringify(damage(manifest))), stranger);
          const verdict = await attempt(Buffer.concat([serialiseHead(envelope), rest]));
          expect(verdict).toBe('KEYS_UNKNOWN');
        }),
        options,
      );
    },
    TIMEOUT_MS,
  );
});

test(
  'a manifest of any content, signed by a trusted key, is read or refused',
  async () => {
    const rest = bundle.subarray(read_bytes - manifestBytes('keyset'));
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fieldChange(),
          fc.json({ maxDepth: 4 }).map((json) => () => JSON.parse(json)),
        ),
        async (damage) => {
          const payload = text(JSON.stringify(damage(manifest)) ?? 'null');
          fc.pre(payload.length < ENVELOPE_MAX_BYTES / 2);
          await attempt(Buffer.concat([serialiseHead(signed(payload)), rest]));
        },
      ),
      options,
    );
  },
  TIMEOUT_MS,
);

test('brackets within brackets neither crash nor pass, wherever they stand', async () => {
  for (const depth of [1_000, 20_000, 32_000]) {
    const nested = '['.repeat(depth) + ']'.repeat(depth);
    expect(await attempt(framed(text(nested)))).toBe('DSSE_MALFORMED');
    const payload = text(nested.slice(0, 40_000));
    expect(await attempt(serialiseHead(signed(payload)))).toBe('BUNDLE_MANIFEST_INVALID');
    expect(await attempt(serialiseHead(signed(payload, testKey('stranger'))))).toBe('KEYS_UNKNOWN');
    onlyOurErrors(() => parseKeysetFile(text(nested)));
    onlyOurErrors(() => parseKeyset(text(nested)));
  }
});

test(
  'an index of any bytes is pieces that fill what they must, or refused',
  () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 44 * 5 }),
        fc.array(fc.record({ payload: fc.nat(70_000), target: fc.nat(2_000_000) }), { maxLength: 4 }),
        fc.nat(200_000),
        (bytes, entries, total) => {
          const index = Buffer.from(bytes);
          for (const [at, { payload, target }] of entries.entries()) {
            if (index.length < (at + 1) * 44) break;
            index.writeUInt32LE(payload, at * 44);
            index.writeBigUInt64LE(BigInt(target), at * 44 + 4);
          }
          onlyOurErrors(() => {
            const pieces = parseIndex(index, total, total);
            expect(pieces.reduce((sum, piece) => sum + piece.payload_bytes, 0)).toBe(total);
            expect(pieces.reduce((sum, piece) => sum + piece.target_bytes, 0)).toBe(total);
          });
        },
      ),
      options,
    );
  },
  TIMEOUT_MS,
);

test(
  'key sets of any bytes, JSON or payload are read or refused',
  () => {
    const file = text(
      JSON.stringify(
        testKeysets().map((one) => JSON.parse(new TextDecoder().decode(serialiseEnvelope(one)))),
      ),
    );
    fc.assert(
      fc.property(
        fc.array(change, { minLength: 1, maxLength: 4 }),
        fc.json({ maxDepth: 5 }),
        (changes, json) => {
          onlyOurErrors(() =>
            parseKeysetFile(changes.reduce(changed, file)).map(({ payload }) => parseKeyset(payload)),
          );
          onlyOurErrors(() => parseKeysetFile(text(json)));
          onlyOurErrors(() => parseKeyset(text(json)));
          onlyOurErrors(() => parseEnvelope(text(json), KEYSET_PAYLOAD_TYPE));
        },
      ),
      options,
    );
  },
  TIMEOUT_MS,
);

function manifestBytes(name: string): number {
  return manifest.sections.find((section) => section.name === name)?.bytes ?? 0;
}

/** Puts any value into any field of the manifest, at any depth, or takes the field away. */
function fieldChange() {
  const value = fc.oneof(
    fc.jsonValue(),
    fc.integer(),
    fc.maxSafeInteger(),
    fc.constantFrom(-1, 0, 4096, 2 ** 53, '', null, {}, [], ['1.0.0'], { toString: 0 }),
  );
  return fc
    .tuple(fc.array(fc.nat(20), { minLength: 1, maxLength: 3 }), value, fc.boolean())
    .map(([path, replacement, remove]) => (from: object) => {
      const copy = structuredClone(from) as Record<string, unknown>;
      let place = copy;
      for (const [depth, step] of path.entries()) {
        const keys = Object.keys(place);
        const key = keys[step % Math.max(1, keys.length)];
        if (key === undefined) break;
        const inner = place[key];
        if (depth < path.length - 1 && typeof inner === 'object' && inner !== null) {
          place = inner as Record<string, unknown>;
          continue;
        }
        if (remove && !Array.isArray(place)) delete place[key];
        else place[key] = replacement;
        break;
      }
      return copy;
    });
}
