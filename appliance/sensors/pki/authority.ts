import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeFileAtomic } from '../../../base/atomic-file.ts';
import { BulkheadError } from '../../../base/errors.ts';
import { readCertificateRequest } from './certificate-request.ts';
import { keysFromPem, keyToPem, makeKeys } from './keys.ts';
import {
  AUTHORITY_AGE_MS,
  BACKDATE_MS,
  CLIENT_AGE_MS,
  CLIENT_RENEW_BEFORE_MS,
  SERVER_AGE_MS,
} from './limits.ts';
import { KEY_ALGORITHM, x509 } from './x509.ts';

/** The names that the certificate of the service is good for. */
export interface ServerNames {
  dns: readonly string[];
  ip: readonly string[];
}

export interface ServerIdentity {
  certificate_pem: string;
  key_pem: string;
  expires_ms: number;
}

export interface ClientIdentity {
  certificate_pem: string;
  /** null: the sensor has it, and it never left it. */
  key_pem: string | null;
  /** SHA-256 of the certificate in DER, lower-case hex: what the registry knows it by. */
  fingerprint: string;
  expires_ms: number;
}

/** Certifies the service, and every sensor that was let in. */
export interface Authority {
  certificate_pem: string;
  /** SHA-256 of its certificate in DER: what a person compares before a sensor trusts it. */
  fingerprint: string;
  issueServer(names: ServerNames): Promise<ServerIdentity>;
  /**
   * @param request a certificate request (PKCS #10); absent: the key is made here
   * @throws BulkheadError SENSOR_CSR_INVALID
   */
  issueClient(sensor: string, request?: Uint8Array): Promise<ClientIdentity>;
}

const KEY_FILE = 'sensor-ca.key';
const CERTIFICATE_FILE = 'sensor-ca.pem';

/**
 * The site's own authority. Made on the first start; a key that is there is never replaced, because every sensor would then have to be
 * let in again.
 *
 * @param folder of the site's store; the key is readable for its user alone
 * @throws BulkheadError SENSOR_CA_DAMAGED
 */
export async function openAuthority(folder: string, now: () => Date): Promise<Authority> {
  const [keyFile, certificateFile] = [join(folder, KEY_FILE), join(folder, CERTIFICATE_FILE)];
  // The key first: a cut between the two leaves a key without a certificate, and that can be made again.
  if (!existsSync(keyFile)) {
    if (existsSync(certificateFile)) throw damaged(keyFile, 'it is gone, its certificate is there');
    writeFileAtomic(keyFile, await keyToPem((await makeKeys()).privateKey), 0o600);
  }
  const keys = await keysFromPem(readFileSync(keyFile, 'utf8')).catch((cause: unknown) => {
    throw damaged(keyFile, 'it cannot be read', cause);
  });
  if (!existsSync(certificateFile))
    writeFileAtomic(certificateFile, (await selfSigned(keys, now())).toString('pem'));
  const certificate = await readOwn(certificateFile, keys);
  return {
    certificate_pem: certificate.toString('pem'),
    fingerprint: fingerprintOf(certificate),
    issueServer: (names) => issueServer({ keys, certificate, now }, names),
    issueClient: (sensor, request) => issueClient({ keys, certificate, now }, sensor, request),
  };
}

/** Whether a sensor gets a new certificate when it asks for one. */
export function renewalDue(expires_ms: number, now_ms: number): boolean {
  return expires_ms - now_ms <= CLIENT_RENEW_BEFORE_MS;
}

interface Signer {
  keys: CryptoKeyPair;
  certificate: x509.X509Certificate;
  now: () => Date;
}

async function issueServer(signer: Signer, names: ServerNames): Promise<ServerIdentity> {
  const { privateKey, publicKey } = await makeKeys();
  const certificate = await sign(signer, {
    publicKey,
    subject: [{ CN: ['Bulkhead'] }],
    age_ms: SERVER_AGE_MS,
    usage: x509.ExtendedKeyUsage.serverAuth,
    names: [
      ...names.dns.map((value) => ({ type: 'dns' as const, value })),
      ...names.ip.map((value) => ({ type: 'ip' as const, value })),
    ],
  });
  return {
    certificate_pem: certificate.toString('pem'),
    key_pem: await keyToPem(privateKey),
    expires_ms: certificate.notAfter.getTime(),
  };
}

async function issueClient(signer: Signer, sensor: string, request?: Uint8Array): Promise<ClientIdentity> {
  const spki = request === undefined ? null : await readCertificateRequest(request);
  const keys = spki === null ? await makeKeys() : null;
  const certificate = await sign(signer, {
    publicKey: keys?.publicKey ?? new x509.PublicKey(spki ?? new Uint8Array()),
    subject: [{ CN: [sensor] }],
    age_ms: CLIENT_AGE_MS,
    usage: x509.ExtendedKeyUsage.clientAuth,
    names: [{ type: 'url', value: `urn:bulkhead:sensor:${sensor}` }],
  });
  return {
    certificate_pem: certificate.toString('pem'),
    key_pem: keys === null ? null : await keyToPem(keys.privateKey),
    fingerprint: fingerprintOf(certificate),
    expires_ms: certificate.notAfter.getTime(),
  };
}

interface Leaf {
  publicKey: CryptoKey | x509.PublicKey;
  subject: x509.JsonName;
  age_ms: number;
  usage: string;
  names: x509.JsonGeneralNames;
}

/** A certificate of an end entity by the profile of RFC 5280, section 4.2. */
async function sign({ keys, certificate, now }: Signer, leaf: Leaf): Promise<x509.X509Certificate> {
  const now_ms = now().getTime();
  return x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    issuer: certificate.subjectName,
    subject: leaf.subject,
    notBefore: new Date(now_ms - BACKDATE_MS),
    // Nothing outlives the one who signed it.
    notAfter: new Date(Math.min(now_ms + leaf.age_ms, certificate.notAfter.getTime())),
    publicKey: leaf.publicKey,
    signingKey: keys.privateKey,
    signingAlgorithm: KEY_ALGORITHM,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([leaf.usage]),
      new x509.SubjectAlternativeNameExtension(leaf.names),
      await x509.AuthorityKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
}

async function selfSigned(keys: CryptoKeyPair, now: Date): Promise<x509.X509Certificate> {
  return x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    // Two appliances at one site have authorities of two names.
    name: [{ CN: [`Bulkhead site ${randomBytes(4).toString('hex')}`] }],
    notBefore: new Date(now.getTime() - BACKDATE_MS),
    notAfter: new Date(now.getTime() + AUTHORITY_AGE_MS),
    keys,
    signingAlgorithm: KEY_ALGORITHM,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
}

async function readOwn(file: string, keys: CryptoKeyPair): Promise<x509.X509Certificate> {
  try {
    const certificate = new x509.X509Certificate(readFileSync(file, 'utf8'));
    if (await certificate.verify({ publicKey: keys.publicKey, signatureOnly: true })) return certificate;
  } catch (cause) {
    throw damaged(file, 'it cannot be read', cause);
  }
  throw damaged(file, 'it is of another key');
}

/** 127 random bits, never negative (RFC 5280, section 4.1.2.2). */
function serialNumber(): string {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes.toString('hex');
}

function fingerprintOf(certificate: x509.X509Certificate): string {
  return createHash('sha256').update(Buffer.from(certificate.rawData)).digest('hex');
}

function damaged(file: string, what: string, cause?: unknown): BulkheadError {
  return new BulkheadError(
    'SENSOR_CA_DAMAGED',
    `the authority of the sensors cannot be used: ${file}: ${what}`,
    {
      hint: 'put both sensor-ca files back from a backup; or remove both, and let every sensor in again',
      ...(cause === undefined ? {} : { cause }),
    },
  );
}
