import { type Envelope, preAuthEncoding, type Signer, signEnvelope } from '../../base/signing/dsse.ts';
import { copyFrom, replaceFile } from './assemble.ts';
import { parseManifest, placeSections } from './check-manifest.ts';
import { fileSource } from './file-source.ts';
import { type BundleHead, readHead, serialiseHead } from './head.ts';

/**
 * Adds signatures to a bundle, each in place of an older one of the same key. What is signed stays the same bytes; everything behind
 * the head is copied. The file is whole at every moment.
 *
 * @returns ids of all keys that have signed now
 * @throws BulkheadError what readHead throws; BUNDLE_TRUNCATED, BUNDLE_MANIFEST_INVALID, DSSE_FULL, BUNDLE_WRITE_FAILED
 */
export async function signBundle(path: string, signers: readonly Signer[]): Promise<string[]> {
  const { head, size_bytes } = await readWholeHead(path);
  const envelope = signers.reduce<Envelope>(signEnvelope, head.envelope);
  await replaceFile(path, async (file) => {
    await file.appendFile(serialiseHead(envelope));
    await copyFrom(path, head.end_bytes, size_bytes, file);
  });
  return envelope.signatures.map(({ keyid }) => keyid);
}

/** What a key that is kept elsewhere has to sign. @throws BulkheadError as signBundle does */
export async function bundleSigningBytes(path: string): Promise<Uint8Array> {
  const { envelope } = (await readWholeHead(path)).head;
  return preAuthEncoding(envelope.payloadType, envelope.payload);
}

/** Signing half a file would be a promise that nobody can keep. */
async function readWholeHead(path: string): Promise<{ head: BundleHead; size_bytes: number }> {
  const source = fileSource(path);
  try {
    const head = await readHead(source);
    const size_bytes = await source.size_bytes();
    placeSections(parseManifest(head.envelope.payload), head.end_bytes, size_bytes);
    return { head, size_bytes };
  } finally {
    await source.close();
  }
}
