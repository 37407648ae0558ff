import { type Envelope, type Signer, signEnvelope } from '../../base/signing/dsse.ts';
import { type TestKey, testKey } from '../../base/signing/test-key.ts';
import type { Keyset, Role } from '../signing/keyset.ts';
import { createKeyset, unsignedKeyset } from '../signing/keyset-edit.ts';
import { anchorTrust, type TrustedKeys } from '../signing/trust.ts';

export { generateSigner, type TestKey, testKey } from '../../base/signing/test-key.ts';

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
