import { writeFileSync } from 'node:fs';
import { BulkheadError } from '../../base/errors.ts';
import type { Signer } from '../../base/signing/dsse.ts';
import { SIGNATURE_BYTES, verifyEd25519 } from '../../base/signing/ed25519.ts';
import { keyId } from '../../base/signing/key-id.ts';
import { fileSource } from '../../updater/bundle/file-source.ts';
import { isBundle } from '../../updater/bundle/head.ts';
import { bundleSigningBytes, signBundle } from '../../updater/bundle/sign-bundle.ts';
import { readBoundedFile } from '../../updater/signing/bounded-file.ts';
import { readPublicKey, readSigner } from '../../updater/signing/key-file.ts';
import { KEY_FILE_MAX_BYTES } from '../../updater/signing/limits.ts';
import { keysetSigningBytes, signKeyset } from '../../updater/signing/sign-keyset.ts';
import { missingText } from './present-keys.ts';

export interface SignedFacts {
  file: string;
  signed_by: readonly string[];
  /** What a key set still lacks; null when nothing is missing, and for bundles. */
  lacks: string | null;
}

/**
 * Signs a bundle or the newest set of a key set file with keys that are here, or with a signature that was made elsewhere.
 *
 * @throws BulkheadError BUNDLE_NOTHING_TO_SIGN_WITH, KEYS_SIGNATURE_WRONG, and those of signBundle and signKeyset
 */
export async function signFile(
  file: string,
  options: { key: readonly string[]; signature?: string; publicKey?: string },
): Promise<SignedFacts> {
  const signers: Signer[] = options.key.map(readSigner);
  if (options.signature !== undefined)
    signers.push(await signedElsewhere(file, options.signature, options.publicKey));
  if (signers.length === 0) {
    throw new BulkheadError('BUNDLE_NOTHING_TO_SIGN_WITH', `${file} was not signed: no key was named`, {
      hint: '--key FILE, or --signature FILE with --public-key FILE',
    });
  }
  if (await isBundleFile(file)) return { file, signed_by: await signBundle(file, signers), lacks: null };
  const { signed_by, missing } = signKeyset(file, signers);
  return { file, signed_by, lacks: missingText(missing) };
}

/** @returns bytes that were written */
export async function exportSigningBytes(file: string, output: string): Promise<number> {
  const bytes = await signingBytes(file);
  writeFileSync(output, bytes);
  return bytes.length;
}

async function signedElsewhere(
  file: string,
  signature: string,
  publicKey: string | undefined,
): Promise<Signer> {
  if (publicKey === undefined) {
    throw new BulkheadError(
      'BUNDLE_NOTHING_TO_SIGN_WITH',
      `nothing says whose signature is in ${signature}`,
      {
        hint: 'name the public key with --public-key',
      },
    );
  }
  const public_key = readPublicKey(publicKey);
  const sig = readSignature(signature);
  if (!verifyEd25519(public_key, await signingBytes(file), sig)) {
    throw new BulkheadError(
      'KEYS_SIGNATURE_WRONG',
      `the signature in ${signature} is not one of this key for ${file}`,
      {
        hint: 'sign what --export-pae writes for this very file, with Ed25519 and no hash before',
      },
    );
  }
  return { key_id: keyId(public_key), sign: () => sig };
}

/** 64 bytes as they are, or in base64. */
function readSignature(path: string): Uint8Array {
  const bytes = readBoundedFile(path, KEY_FILE_MAX_BYTES) ?? new Uint8Array(0);
  if (bytes.length === SIGNATURE_BYTES) return bytes;
  return Uint8Array.from(Buffer.from(new TextDecoder('latin1').decode(bytes).trim(), 'base64'));
}

async function signingBytes(file: string): Promise<Uint8Array> {
  return (await isBundleFile(file)) ? bundleSigningBytes(file) : keysetSigningBytes(file);
}

async function isBundleFile(path: string): Promise<boolean> {
  const source = fileSource(path);
  try {
    return await isBundle(source);
  } finally {
    await source.close();
  }
}
