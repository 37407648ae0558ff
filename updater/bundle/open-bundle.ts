import { createHash } from 'node:crypto';
import { BulkheadError } from '../../base/errors.ts';
import { parseInstant } from '../../base/signing/instant.ts';
import { parseKeysetFile } from '../signing/keyset-file.ts';
import { acceptKeysets, requireReleaseSignature, type TrustedKeys, trustedTime } from '../signing/trust.ts';
import { type ByteSource, readRange, readVerified } from '../source.ts';
import { parseManifest, placeSections, type SectionPlace } from './check-manifest.ts';
import { type BundleHead, readHead } from './head.ts';
import type { BundleManifest, DigestedSection, SectionName } from './manifest.ts';

/** A bundle as it says it is. Whether that is true is another question: see OpenBundle. */
export interface BundleFile {
  readonly source: ByteSource;
  readonly manifest: BundleManifest;
  /** SHA-256 of the signed bytes, hexadecimal. */
  readonly digest: string;
  /** The envelope as it lies in the file. */
  readonly envelope: Uint8Array;
  /** Ids of the keys that are said to have signed. */
  readonly claimed_keys: readonly string[];
  readonly sections: ReadonlyMap<SectionName, SectionPlace>;
  /** @throws BulkheadError BUNDLE_SECTION_MISSING */
  section(name: SectionName): SectionPlace;
  /** All of a section, its digest compared. @throws BulkheadError BUNDLE_SECTION_MISSING, BUNDLE_SECTION_DAMAGED */
  readSection(name: DigestedSection): Promise<Uint8Array>;
}

/** A bundle whose manifest was signed by a key that is trusted and that has not expired. Its sections are read later. */
export interface OpenBundle extends BundleFile {
  /** Ids of the release keys whose signatures counted. */
  readonly signed_by: readonly string[];
  /** Whom to trust from here on: newer than before when the bundle brought key sets that follow. */
  readonly trusted: TrustedKeys;
  readonly keysChanged: boolean;
}

/**
 * Reads the head of a bundle and holds it to the keys that are trusted. Reads the section `keyset` besides, when there is one.
 * Everything is bounded before it is read, and nothing of the manifest is looked at before it is verified, but for one thing: when
 * the signing key is unknown, where the key sets lie that may introduce it. Those are signed by themselves. A mirror whose file does not
 * pass is left for the next one.
 *
 * @param trusted as loadTrustedKeys tells
 * @param now see trustedTime
 * @throws BulkheadError what readHead and requireReleaseSignature throw; BUNDLE_MANIFEST_INVALID, BUNDLE_INCOHERENT,
 *         BUNDLE_TRUNCATED, BUNDLE_TOO_LONG, BUNDLE_EXPIRED; for a bad section `keyset` BUNDLE_SECTION_DAMAGED and those of
 *         acceptKeysets; what the source throws
 */
export function openBundle(source: ByteSource, trusted: TrustedKeys, now: Date): Promise<OpenBundle> {
  return readVerified(source, 0, Number.POSITIVE_INFINITY, () => openOnce(source, trusted, now));
}

async function openOnce(source: ByteSource, trusted: TrustedKeys, now: Date): Promise<OpenBundle> {
  const head = await readHead(source);
  const size_bytes = await source.size_bytes();
  let known = { trusted, changed: false };
  try {
    requireReleaseSignature(head.envelope, trusted, now);
  } catch (error) {
    known = await introducedKeys(source, head, size_bytes, trusted, error);
    requireReleaseSignature(head.envelope, known.trusted, now);
  }
  const file = describe(source, head, size_bytes);
  if (!known.changed) known = await newerKeys(file, trusted);
  // By what is trusted now: a key that these very sets revoke counts no more.
  const signed_by = requireReleaseSignature(head.envelope, known.trusted, now);
  requireUnexpired(file.manifest, known.trusted, now);
  return { ...file, signed_by, trusted: known.trusted, keysChanged: known.changed };
}

/**
 * Reads the head of a bundle without asking who made it: for people and tools that look at files.
 *
 * @throws BulkheadError as openBundle does for heads and manifests
 */
export async function inspectBundle(source: ByteSource): Promise<BundleFile> {
  return describe(source, await readHead(source), await source.size_bytes());
}

function describe(source: ByteSource, head: BundleHead, size_bytes: number): BundleFile {
  const manifest = parseManifest(head.envelope.payload);
  const sections = placeSections(manifest, head.end_bytes, size_bytes);
  const section = (name: SectionName) => {
    const place = sections.get(name);
    if (!place) throw new BulkheadError('BUNDLE_SECTION_MISSING', `${source.name} has no section ${name}`);
    return place;
  };
  return {
    source,
    manifest,
    digest: head.digest,
    envelope: head.envelope_bytes,
    claimed_keys: head.envelope.signatures.map(({ keyid }) => keyid),
    sections,
    section,
    readSection: async (name) => {
      const { start_bytes, bytes } = section(name);
      const end_bytes = start_bytes + bytes;
      const signed = manifest.sections.find((entry) => entry.name === name)?.sha256;
      return readVerified(source, start_bytes, end_bytes, async () => {
        const content = await readRange(source, start_bytes, end_bytes);
        if (createHash('sha256').update(content).digest('hex') === signed) return content;
        throw new BulkheadError(
          'BUNDLE_SECTION_DAMAGED',
          `section ${name} of ${source.name} does not have the digest that was signed`,
          { hint: 'the file is damaged or was exchanged: copy or publish it again' },
        );
      });
    },
  };
}

/** The key sets of a bundle whose signer is not known. Whatever is wrong with them, the reason is that the signer is not known. */
async function introducedKeys(
  source: ByteSource,
  head: BundleHead,
  size_bytes: number,
  trusted: TrustedKeys,
  refusal: unknown,
): Promise<{ trusted: TrustedKeys; changed: boolean }> {
  if (!(refusal instanceof BulkheadError && refusal.code.startsWith('KEYS_'))) throw refusal;
  let known: { trusted: TrustedKeys; changed: boolean };
  try {
    known = await newerKeys(describe(source, head, size_bytes), trusted);
  } catch (error) {
    if (error instanceof BulkheadError && /^(BUNDLE|KEYS|DSSE)_/.test(error.code)) throw refusal;
    throw error;
  }
  if (!known.changed) throw refusal;
  return known;
}

async function newerKeys(
  file: BundleFile,
  trusted: TrustedKeys,
): Promise<{ trusted: TrustedKeys; changed: boolean }> {
  if (!file.sections.has('keyset')) return { trusted, changed: false };
  return acceptKeysets(trusted, parseKeysetFile(await file.readSection('keyset')));
}

function requireUnexpired({ version, expires }: BundleManifest, { keyset }: TrustedKeys, now: Date): void {
  if (expires === undefined || trustedTime(now.getTime(), [keyset.issued_at]) < (parseInstant(expires) ?? 0))
    return;
  throw new BulkheadError('BUNDLE_EXPIRED', `release ${version} expired on ${expires}`, {
    hint: 'take a newer release; `bulkhead status` shows whether the clock is right',
  });
}
