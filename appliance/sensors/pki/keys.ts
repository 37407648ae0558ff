import { createPrivateKey } from 'node:crypto';
import { KEY_ALGORITHM } from './x509.ts';

/** A new key pair that may leave this process: it is written down, or handed to a sensor. */
export function makeKeys(): Promise<CryptoKeyPair> {
  return crypto.subtle.generateKey(KEY_ALGORITHM, true, ['sign', 'verify']);
}

/** The private key as PKCS #8 in PEM. */
export async function keyToPem(key: CryptoKey): Promise<string> {
  const der = Buffer.from(await crypto.subtle.exportKey('pkcs8', key));
  return String(
    createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }).export({ type: 'pkcs8', format: 'pem' }),
  );
}

/** Both halves of a key in PEM. @throws Error where it is none on that curve */
export async function keysFromPem(pem: string): Promise<CryptoKeyPair> {
  const der = createPrivateKey(pem).export({ type: 'pkcs8', format: 'der' });
  const privateKey = await crypto.subtle.importKey('pkcs8', der, KEY_ALGORITHM, true, ['sign']);
  const { d: _, ...half } = await crypto.subtle.exportKey('jwk', privateKey);
  const publicKey = await crypto.subtle.importKey(
    'jwk',
    { ...half, key_ops: ['verify'] },
    KEY_ALGORITHM,
    true,
    ['verify'],
  );
  return { privateKey, publicKey };
}
