import { createHash, createPublicKey, randomUUID } from 'node:crypto';
import type { Signer } from './dsse.ts';
import { privateKeyFrom, signEd25519 } from './ed25519.ts';
import { keyId } from './key-id.ts';

/** A key for tests: the same name gives the same key. */
export interface TestKey extends Signer {
  public_key: Uint8Array;
  pem: string;
}

export function testKey(name: string): TestKey {
  const seed = createHash('sha256').update(`test key ${name}`).digest();
  const key = privateKeyFrom(seed);
  const public_key = Uint8Array.from(
    createPublicKey(key).export({ type: 'spki', format: 'der' }).subarray(-32),
  );
  return {
    key_id: keyId(public_key),
    public_key,
    pem: key.export({ type: 'pkcs8', format: 'pem' }).toString(),
    sign: (message) => signEd25519(key, message),
  };
}

/** A key that nobody has seen before. */
export function generateSigner(): TestKey {
  return testKey(randomUUID());
}
