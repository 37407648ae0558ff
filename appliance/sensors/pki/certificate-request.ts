import { createPublicKey } from 'node:crypto';
import { BulkheadError } from '../../../base/errors.ts';
import { REQUEST_MAX_BYTES, RSA_MAX_BITS, RSA_MIN_BITS } from './limits.ts';
import { x509 } from './x509.ts';

/**
 * The public key out of a certificate request (PKCS #10, DER or PEM). What else it asks for, names and usages, does not count: the
 * appliance decides what it certifies.
 *
 * @returns SubjectPublicKeyInfo in DER
 * @throws BulkheadError SENSOR_CSR_INVALID
 */
export async function readCertificateRequest(request: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
  if (request.length > REQUEST_MAX_BYTES) throw invalid(`it has more than ${REQUEST_MAX_BYTES} bytes`);
  let spki: Uint8Array<ArrayBuffer>;
  try {
    const text = Buffer.from(request).toString('latin1');
    const parsed = new x509.Pkcs10CertificateRequest(
      text.startsWith('-----BEGIN') ? text : new Uint8Array(request),
    );
    // Whoever asks has to hold the key.
    if (!(await parsed.verify())) throw invalid('its signature is not that of its key');
    spki = new Uint8Array(parsed.publicKey.rawData);
  } catch (cause) {
    if (cause instanceof BulkheadError) throw cause;
    throw invalid('it cannot be read', cause);
  }
  const { asymmetricKeyType, asymmetricKeyDetails } = createPublicKey({
    key: Buffer.from(spki),
    format: 'der',
    type: 'spki',
  });
  const bits = asymmetricKeyDetails?.modulusLength ?? 0;
  if (asymmetricKeyType === 'ec' && asymmetricKeyDetails?.namedCurve === 'prime256v1') return spki;
  if (asymmetricKeyType === 'rsa' && bits >= RSA_MIN_BITS && bits <= RSA_MAX_BITS) return spki;
  throw invalid('its key is of another kind');
}

function invalid(what: string, cause?: unknown): BulkheadError {
  return new BulkheadError('SENSOR_CSR_INVALID', `the certificate request is refused: ${what}`, {
    hint: `PKCS #10 in DER or PEM, with a key on P-256 or RSA of ${RSA_MIN_BITS} to ${RSA_MAX_BITS} bits`,
    ...(cause === undefined ? {} : { cause }),
  });
}
