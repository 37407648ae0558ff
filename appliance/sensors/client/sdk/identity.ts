import { createHash, randomBytes, X509Certificate } from 'node:crypto';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { type Static, Type as t } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { writeFileAtomic } from '../../../../base/atomic-file.ts';
import { BulkheadError } from '../../../../base/errors.ts';
import { OneOf, Unknowable } from '../../../../base/schema.ts';
import { CAPABILITY_TIERS } from '../../../../protocol/healing/tier.ts';
import { keysFromPem, keyToPem, makeKeys } from '../../pki/keys.ts';
import { KEY_ALGORITHM, x509 } from '../../pki/x509.ts';
import { IDENTITY_FILE_MAX_BYTES, RENEW_BEFORE_MS } from './limits.ts';

/** What the appliance said when it let the sensor in. */
const Admission = t.Object({
  agent_id: t.String({ minLength: 1 }),
  /** Of the key of this file. */
  certificate_pem: t.String(),
  tier: OneOf(CAPABILITY_TIERS),
  check_interval_s: t.Integer(),
  /** Empty: all. */
  enabled_checks: t.Array(t.String()),
  check_config: t.Record(t.String(), t.String()),
});
export type Admission = Static<typeof Admission>;

const SensorIdentity = t.Object({
  /** Made here; it never leaves this machine. */
  key_pem: t.String(),
  /** Kept, and shown to nobody but the appliance: its SHA-256 is what a person approves. Hex. */
  claim: t.String({ pattern: '^[0-9a-f]{64}$' }),
  /** Whose certificate the appliance has to show; null until it is known. */
  authority_pem: Unknowable(t.String()),
  admission: Unknowable(Admission),
});
export type SensorIdentity = Static<typeof SensorIdentity>;

/** A key and a claim that nobody has seen before. @param authority_pem of the appliance */
export async function makeIdentity(authority_pem: string | null): Promise<SensorIdentity> {
  const { privateKey } = await makeKeys();
  return {
    key_pem: await keyToPem(privateKey),
    claim: randomBytes(32).toString('hex'),
    authority_pem,
    admission: null,
  };
}

/**
 * The identity in a file; null where there is none yet.
 *
 * @throws BulkheadError SENSOR_IDENTITY_DAMAGED, SENSOR_IDENTITY_EXPOSED
 */
export function readIdentity(path: string): SensorIdentity | null {
  if (!existsSync(path)) return null;
  const damaged = (cause?: unknown) =>
    new BulkheadError('SENSOR_IDENTITY_DAMAGED', `the identity in ${path} cannot be used`, {
      hint: 'remove the file and let the sensor in again: bulkhead-sensor enrol',
      ...(cause === undefined ? {} : { cause }),
    });
  const { mode, size } = statSync(path);
  // Windows has no such bits; there the folder's list of rights decides.
  if (process.platform !== 'win32' && (mode & 0o077) !== 0)
    throw new BulkheadError(
      'SENSOR_IDENTITY_EXPOSED',
      `the private key in ${path} has mode ${(mode & 0o777).toString(8)}: others than its owner can get at it`,
      { hint: `chmod 600 ${path}; where others may have read it, revoke the sensor and let it in again` },
    );
  if (size > IDENTITY_FILE_MAX_BYTES) throw damaged();
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, 'utf8'));
  } catch (cause) {
    throw damaged(cause);
  }
  if (!Value.Check(SensorIdentity, value)) throw damaged();
  return value;
}

/** All of it at once, so that a key never stands beside the certificate of another. Durable when it returns. */
export function writeIdentity(path: string, identity: SensorIdentity): void {
  writeFileAtomic(path, `${JSON.stringify(identity, null, 1)}\n`, 0o600);
}

/** A request for a certificate of this key (PKCS #10, DER). What stands in it beside the key does not count. */
export async function certificateRequest(key_pem: string): Promise<Uint8Array> {
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    name: [{ CN: ['bulkhead-sensor'] }],
    keys: await keysFromPem(key_pem),
    signingAlgorithm: KEY_ALGORITHM,
  });
  return new Uint8Array(request.rawData);
}

/** A key for the next certificate, in PEM. */
export async function makeKeyPem(): Promise<string> {
  return keyToPem((await makeKeys()).privateKey);
}

/** What a person compares and approves: the first 8 hexadecimal digits of the SHA-256 of the claim. */
export function claimFingerprint(claim: string): string {
  return createHash('sha256').update(Buffer.from(claim, 'hex')).digest('hex').slice(0, 8);
}

/** When a certificate ends, in milliseconds since 1970. */
export function expiryOf(certificate_pem: string): number {
  return Date.parse(new X509Certificate(certificate_pem).validTo);
}

export function renewalDue(certificate_pem: string, now_ms: number): boolean {
  return expiryOf(certificate_pem) - now_ms <= RENEW_BEFORE_MS;
}
