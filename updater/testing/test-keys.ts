import { createHash, createPrivateKey, createPublicKey, randomUUID } from 'node:crypto';
import { type Envelope, type Signer, signEnvelope } from '../../base/signing/dsse.ts';
import { signEd25519 } from '../../base/signing/ed25519.ts';
import { keyId } from '../../base/signing/key-id.ts';
import type { Keyset, Role } from '../signing/keyset.ts';
import { createKeyset, unsignedKeyset } from '../signing/keyset-edit.ts';
import { anchorTrust, type TrustedKeys } from '../signing/trust.ts';

/** A key for tests: the same name gives the same key. */
export interface TestKey extends Signer {
  public_key: Uint8Array;
  pem: string;
}

export function testKey(name: string): TestKey {
  const seed = createHash('sha256').update(`test key ${name}`).digest();
  // PKCS#8 of an Ed25519 key: a fixed head, then the seed (RFC 8410 section 7).
  const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed]);
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
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

export function withRoles(key: TestKey, ...roles: Role[]) {
  return { public_key: key.public_key, roles };
}

export function signedKeyset(set: Keyset, ...signers: readonly Signer[]): Envelope {
  return signers.reduce(signEnvelope, unsignedKeyset(set));
}

export const TEST_ROOT: TestKey = testKey('root');
export const TEST_RELEASE: TestKey = testKey('release');
const TEST_KEYS_ISSUED: Date = new Date('2026-01-01T00:00:00Z');

/** Set 1 of TEST_ROOT and TEST_RELEASE. */
export function testKeysets(): Envelope[] {
  const keys = [withRoles(TEST_ROOT, 'root'), withRoles(TEST_RELEASE, 'release')];
  return [signedKeyset(createKeyset(keys, 1, TEST_KEYS_ISSUED.getTime()), TEST_ROOT)];
}

/** What a machine trusts that has set 1. */
export function testTrust(): TrustedKeys {
  const [first] = testKeysets();
  if (!first) throw new Error('there is a first set');
  return anchorTrust(first);
}
