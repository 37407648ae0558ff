import nacl from 'tweetnacl';
import { SEED_BYTES } from './limits.ts';

/**
 * The device key as a file: PKCS #8 in PEM (RFC 8410 section 7), which `openssl pkey` and every library read.
 * For Ed25519 the DER in front of the seed is always the same 16 bytes.
 */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');
const BEGIN = '-----BEGIN PRIVATE KEY-----';
const END = '-----END PRIVATE KEY-----';

/** An Ed25519 key pair in the form tweetnacl takes. Never printed, never logged. */
export interface DeviceKey {
  publicKey: Uint8Array;
  /** 64 bytes: seed and public key, as `nacl.sign.detached` wants it. */
  secretKey: Uint8Array;
}

export function deviceKeyFromSeed(seed: Uint8Array): DeviceKey {
  return nacl.sign.keyPair.fromSeed(seed);
}

export function formatKeyFile(seed: Uint8Array): string {
  const base64 = Buffer.concat([PKCS8_PREFIX, seed]).toString('base64');
  return `${BEGIN}\n${base64}\n${END}\n`;
}

/** The key pair in a key file, or undefined when the text is not exactly one (cut off, overwritten, another kind). */
export function parseKeyFile(text: string): DeviceKey | undefined {
  const [begin, base64 = '', end, rest, ...more] = text.split('\n');
  if (begin !== BEGIN || end !== END || rest !== '' || more.length > 0) return undefined;
  const der = Buffer.from(base64, 'base64');
  if (der.length !== PKCS8_PREFIX.length + SEED_BYTES || der.toString('base64') !== base64) return undefined;
  if (!der.subarray(0, PKCS8_PREFIX.length).equals(PKCS8_PREFIX)) return undefined;
  const seed = der.subarray(PKCS8_PREFIX.length);
  // A block of zeros is what a lost write leaves, and everybody's key.
  if (seed.every((byte) => byte === 0)) return undefined;
  return deviceKeyFromSeed(seed);
}
