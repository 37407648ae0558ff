import { BulkheadError } from '../../base/errors.ts';
import { parseInstant } from '../../base/signing/instant.ts';
import { parseSignedJson } from '../../base/signing/signed-json.ts';
import { BLOCK_BYTES } from '../../partitions/slot-blob.ts';
import { treeBytes } from '../../partitions/verity-tree.ts';
import { DOCUMENT_MAX_BYTES, PIECE_PAYLOAD_MAX_BYTES, PIECES_MAX } from '../limits.ts';
import { KEYSET_FILE_MAX_BYTES } from '../signing/limits.ts';
import { TAIL_SECTION_MAX_BYTES } from './limits.ts';
import { BundleManifest, SECTION_NAMES, type SectionName, TAIL_BYTES } from './manifest.ts';
import { PIECE_ENTRY_BYTES } from './pieces.ts';

/** Where a section lies in the file. */
export interface SectionPlace {
  start_bytes: number;
  bytes: number;
}

const REQUIRED: Readonly<Record<BundleManifest['kind'], readonly SectionName[]>> = {
  full: ['tail', 'index', 'tree', 'payload'],
  delta: ['index', 'payload'],
};
const OPTIONAL: Readonly<Record<BundleManifest['kind'], readonly SectionName[]>> = {
  full: ['keyset', 'sbom', 'provenance'],
  delta: ['keyset'],
};
const SECTION_MAX_BYTES: Readonly<Record<SectionName, number>> = {
  keyset: KEYSET_FILE_MAX_BYTES,
  tail: TAIL_SECTION_MAX_BYTES,
  index: PIECES_MAX * PIECE_ENTRY_BYTES,
  // Held to its one length below.
  tree: Number.MAX_SAFE_INTEGER,
  payload: PIECES_MAX * PIECE_PAYLOAD_MAX_BYTES,
  sbom: DOCUMENT_MAX_BYTES,
  provenance: DOCUMENT_MAX_BYTES,
};

/**
 * The manifest in the payload of an envelope, of the right form and at one with itself.
 *
 * @throws BulkheadError BUNDLE_MANIFEST_INVALID, BUNDLE_INCOHERENT
 */
export function parseManifest(payload: Uint8Array): BundleManifest {
  let manifest: BundleManifest;
  try {
    manifest = parseSignedJson(payload, BundleManifest);
  } catch (cause) {
    throw new BulkheadError('BUNDLE_MANIFEST_INVALID', 'this is no manifest of a bundle', { cause });
  }
  const problem = manifestProblem(manifest);
  if (problem) throw new BulkheadError('BUNDLE_INCOHERENT', `the manifest contradicts itself: ${problem}`);
  return manifest;
}

/** What does not fit together in a manifest of the right form; undefined when everything does. Pure. */
function manifestProblem(manifest: BundleManifest): string | undefined {
  const { kind, slot, base, sections, built_at, expires } = manifest;
  const names = sections.map(({ name }) => name);
  const missing = REQUIRED[kind].find((name) => !names.includes(name));
  if (missing) return `a ${kind} bundle without a section ${missing}`;
  const stray = names.find((name) => ![...REQUIRED[kind], ...OPTIONAL[kind]].includes(name));
  if (stray) return `a ${kind} bundle with a section ${stray}`;
  const ordered = SECTION_NAMES.filter((name) => names.includes(name));
  if (ordered.join() !== names.join())
    return `sections ${names.join(', ')}: one twice, or not in their order`;
  for (const { name, bytes, sha256 } of sections) {
    const digested = name !== 'tree' && name !== 'payload';
    if (digested !== (sha256 !== undefined))
      return digested ? `section ${name} has no digest` : `section ${name} has a digest of its own`;
    if (bytes < 1 && name !== 'tree') return `section ${name} is empty`;
    if (bytes > SECTION_MAX_BYTES[name])
      return `section ${name} has ${bytes} bytes; at most ${SECTION_MAX_BYTES[name]}`;
  }
  const tree_bytes = treeBytes(slot.data_bytes / BLOCK_BYTES);
  const given_bytes = sections.find(({ name }) => name === 'tree')?.bytes ?? tree_bytes;
  if (given_bytes !== tree_bytes) return `a tree of ${given_bytes} bytes; this slot's has ${tree_bytes}`;
  const blob_bytes = slot.data_bytes + tree_bytes + TAIL_BYTES;
  if (slot.blob_bytes !== blob_bytes)
    return `a slot of ${slot.blob_bytes} bytes whose parts have ${blob_bytes}`;
  if ((kind === 'delta') !== (base !== undefined))
    return base ? 'a full bundle that starts from another release' : 'a delta that starts from nothing';
  const noTime = [built_at, expires].find((text) => text !== undefined && parseInstant(text) === undefined);
  return noTime === undefined ? undefined : `'${noTime}' is no time`;
}

/**
 * Where the sections lie, and whether the file holds exactly them.
 *
 * @param head_bytes where the first one begins
 * @param size_bytes of the whole file
 * @throws BulkheadError BUNDLE_TRUNCATED, BUNDLE_TOO_LONG
 */
export function placeSections(
  { sections }: BundleManifest,
  head_bytes: number,
  size_bytes: number,
): Map<SectionName, SectionPlace> {
  const places = new Map<SectionName, SectionPlace>();
  let at_bytes = head_bytes;
  for (const { name, bytes } of sections) {
    places.set(name, { start_bytes: at_bytes, bytes });
    at_bytes += bytes;
  }
  const told = `the bundle has ${size_bytes} bytes, ${at_bytes} were signed`;
  if (size_bytes < at_bytes) {
    throw new BulkheadError('BUNDLE_TRUNCATED', told, {
      hint: 'the file is not complete: copy or publish it again',
    });
  }
  if (size_bytes > at_bytes)
    throw new BulkheadError('BUNDLE_TOO_LONG', told, {
      hint: 'something was added behind its end: publish it again',
    });
  return places;
}
