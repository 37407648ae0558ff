import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { closeSync, fsyncSync, openSync, statSync, writeSync } from 'node:fs';
import { BulkheadError } from '../../base/errors.ts';
import type { Signer } from '../../base/signing/dsse.ts';
import { isPublicKey, PUBLIC_KEY_BYTES, signEd25519 } from '../../base/signing/ed25519.ts';
import { keyId } from '../../base/signing/key-id.ts';
import { readBoundedFile } from './bounded-file.ts';
import { KEY_FILE_MAX_BYTES } from './limits.ts';

export type { Signer };

/** A key that signs, from a file. */
export interface KeySigner extends Signer {
  /** 32 raw bytes. */
  public_key: Uint8Array;
}

/** Bits that let somebody but the owner at the file. */
const OTHERS_MODE = 0o077;

/**
 * Makes a key pair and writes it as PEM (PKCS#8), readable by its owner only.
 *
 * @throws BulkheadError KEYS_FILE_EXISTS, KEYS_FILE_UNWRITABLE
 */
export function generateKeyFile(path: string): KeySigner {
  const { privateKey } = generateKeyPairSync('ed25519');
  let file: number;
  try {
    file = openSync(path, 'wx', 0o600);
  } catch (cause) {
    const exists = cause instanceof Error && 'code' in cause && cause.code === 'EEXIST';
    if (exists)
      throw new BulkheadError('KEYS_FILE_EXISTS', `${path} is there already and is not written over`, {
        hint: 'name another file; a key that is gone cannot be made again',
      });
    throw new BulkheadError('KEYS_FILE_UNWRITABLE', `cannot write a key to ${path}`, { cause });
  }
  try {
    writeSync(file, privateKey.export({ type: 'pkcs8', format: 'pem' }).toString());
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  return signerOf(privateKey);
}

/**
 * A private key in PEM (PKCS#8) that nobody but its owner can read.
 *
 * @throws BulkheadError KEYS_FILE_UNREADABLE, KEYS_FILE_EXPOSED, KEYS_NOT_A_KEY
 */
export function readSigner(path: string): KeySigner {
  const pem = readPem(path);
  const { mode } = statSync(path);
  if ((mode & OTHERS_MODE) !== 0)
    throw new BulkheadError(
      'KEYS_FILE_EXPOSED',
      `the private key ${path} has mode ${(mode & 0o777).toString(8)}: others than its owner can get at it`,
      { hint: `chmod 600 ${path}, and think about who may have read it until now` },
    );
  let key: KeyObject;
  try {
    key = createPrivateKey(pem);
  } catch (cause) {
    throw notAKey(path, 'no private key in PEM (PKCS#8) without a passphrase', cause);
  }
  if (key.asymmetricKeyType !== 'ed25519')
    throw notAKey(path, `a key for ${key.asymmetricKeyType}, not Ed25519`);
  return signerOf(key);
}

/**
 * The public key in a file: PEM of a public or a private key, or base64 of its 32 bytes.
 *
 * @throws BulkheadError KEYS_FILE_UNREADABLE, KEYS_NOT_A_KEY; KEYS_FILE_EXPOSED for a private key that others can read
 */
export function readPublicKey(path: string): Uint8Array {
  const text = readPem(path);
  if (text.includes('PRIVATE KEY')) return readSigner(path).public_key;
  const raw = text.startsWith('-----BEGIN') ? rawFromPem(path, text) : Buffer.from(text.trim(), 'base64');
  if (!isPublicKey(raw)) throw notAKey(path, 'neither PEM nor base64 of an Ed25519 public key');
  return Uint8Array.from(raw);
}

function rawFromPem(path: string, pem: string): Uint8Array {
  try {
    return rawPublicKey(createPublicKey(pem));
  } catch (cause) {
    throw notAKey(path, 'damaged PEM', cause);
  }
}

export function signerOf(key: KeyObject): KeySigner {
  const public_key = rawPublicKey(createPublicKey(key));
  return { key_id: keyId(public_key), public_key, sign: (message) => signEd25519(key, message) };
}

/** The key is what ends its SubjectPublicKeyInfo (RFC 8410). */
function rawPublicKey(key: KeyObject): Uint8Array {
  return Uint8Array.from(key.export({ type: 'spki', format: 'der' }).subarray(-PUBLIC_KEY_BYTES));
}

function readPem(path: string): string {
  let bytes: Uint8Array | undefined;
  try {
    bytes = readBoundedFile(path, KEY_FILE_MAX_BYTES);
  } catch (cause) {
    throw new BulkheadError('KEYS_FILE_UNREADABLE', `cannot read the key in ${path}`, { cause });
  }
  if (!bytes) throw notAKey(path, `longer than ${KEY_FILE_MAX_BYTES} bytes`);
  return new TextDecoder('latin1').decode(bytes);
}

function notAKey(path: string, why: string, cause?: unknown): BulkheadError {
  return new BulkheadError('KEYS_NOT_A_KEY', `${path} is no key: ${why}`, {
    ...(cause === undefined ? {} : { cause }),
    hint: 'bulkhead bundle keys generate makes one',
  });
}
