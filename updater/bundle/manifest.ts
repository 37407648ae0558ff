import { Type as t } from '@sinclair/typebox';
import { Instant } from '../../base/signing/instant.ts';
import { BLOCK_BYTES, FOOTER_BYTES } from '../../partitions/slot-blob.ts';
import { SLOT_MAX_BYTES } from '../limits.ts';

/**
 * What is signed about a release: the payload of the DSSE envelope at the head of a bundle.
 *
 * ```
 * 0            magic       16 bytes, BUNDLE_MAGIC
 * 16           length      of the envelope, 32 bits, little-endian
 * 20           envelope    DSSE in JSON; its payload is a BundleManifest
 * …            sections    one after another without gaps, in the order of `manifest.sections`
 * ```
 *
 * A slot is its data area, the hash tree and its tail (the 4 KiB verity superblock in front of the tree and the 16 KiB
 * footer behind it). `index` and `payload` carry the target stream: of a full bundle the data area, whose tail is a
 * section of its own; of a delta the data area and then the tail. The tree is computed where it is installed, and
 * compared with `root_hash`.
 * Why it is so: docs/decisions/0007-bundles.md.
 */
export const BUNDLE_MAGIC = 'BULKHEAD-BUNDLE1';
export const BUNDLE_PAYLOAD_TYPE = 'application/vnd.bulkhead.bundle.v1+json';

// Patterns as texts: a schema made of a RegExp takes whatever becomes a fitting text, a list of one entry for instance.
const Hex256 = t.String({ pattern: '^[0-9a-f]{64}$' });
export const ReleaseVersion = t.String({
  pattern: '^\\d{1,9}\\.\\d{1,9}\\.\\d{1,9}(-[0-9A-Za-z.-]{1,40})?(\\+[0-9A-Za-z.-]{1,40})?$',
});

/** Verity superblock and footer. */
export const TAIL_BYTES = BLOCK_BYTES + FOOTER_BYTES;

/** In the order in which they lie in the file. What an appliance reads first stands first. */
export const SECTION_NAMES = ['keyset', 'tail', 'index', 'tree', 'payload', 'sbom', 'provenance'] as const;

/**
 * `keyset`: the chain of trusted key sets up to the newest (updater/signing). `tail`: the tail as one zstd frame. `index`: one
 * entry a piece, see pieces.ts. `tree`: the hash levels of dm-verity as they lie on the slot, top level first. `payload`: the
 * pieces. `sbom`, `provenance`: documents of the release. A delta has no tail, tree and documents.
 */
export const SectionName = t.Union(SECTION_NAMES.map((name) => t.Literal(name)));
export type SectionName = (typeof SECTION_NAMES)[number];
/** Held by a digest in the manifest; the other two are held by the root hash and by the index. */
export type DigestedSection = Exclude<SectionName, 'tree' | 'payload'>;

const Section = t.Object(
  {
    name: SectionName,
    bytes: t.Integer({ minimum: 0, maximum: SLOT_MAX_BYTES }),
    /** Of the section as it lies in the file. Absent for `tree` (held by the root hash) and `payload` (held by the index). */
    sha256: t.Optional(Hex256),
  },
  { additionalProperties: false },
);

export const BundleManifest = t.Object(
  {
    format: t.Literal(1),
    /** `full`: needs nothing. `delta`: needs the slot image `base` on the running slot. */
    kind: t.Union([t.Literal('full'), t.Literal('delta')]),
    name: t.Literal('bulkhead'),
    version: ReleaseVersion,
    built_at: Instant,
    /** Hardware names as in partitions/target.ts; one of them must be the machine's. */
    compatible: t.Array(t.String({ pattern: '^[a-z0-9-]{1,40}$' }), { minItems: 1, maxItems: 16 }),
    /** Lowest version that may be replaced by this one; older ones need a step between. */
    replaces_min: t.Optional(ReleaseVersion),
    /** Not installed at or after this instant. */
    expires: t.Optional(Instant),
    slot: t.Object(
      {
        data_bytes: t.Integer({ minimum: BLOCK_BYTES, maximum: SLOT_MAX_BYTES, multipleOf: BLOCK_BYTES }),
        blob_bytes: t.Integer({ minimum: BLOCK_BYTES, maximum: SLOT_MAX_BYTES, multipleOf: BLOCK_BYTES }),
        root_hash: Hex256,
        salt: Hex256,
        /** Of verity superblock and footer, 20 KiB: with the root hash it holds every byte of the slot. */
        tail_sha256: Hex256,
      },
      { additionalProperties: false },
    ),
    base: t.Optional(
      t.Object({ version: ReleaseVersion, root_hash: Hex256 }, { additionalProperties: false }),
    ),
    sections: t.Array(Section, { minItems: 2, maxItems: 7 }),
  },
  { additionalProperties: false },
);
export type BundleManifest = (typeof BundleManifest)['static'];
