import { X509Certificate } from 'node:crypto';

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g;

/**
 * Says what is wrong with certificates of authorities in PEM (RFC 7468), as the end of a sentence, or null. Text between them, which
 * openssl writes there, is passed over. A server's certificate trusts nobody, so it is told here and not by a connection that fails
 * for ever; one that has signed itself is its own authority.
 */
export function authoritiesFault(text: string): string | null {
  const found = text.match(CERTIFICATE) ?? [];
  if (/-----BEGIN/.test(text.replace(CERTIFICATE, '')))
    return 'holds something else than certificates; a key has no place on the appliance';
  if (found.length === 0) return 'holds no certificate in PEM, which begins with -----BEGIN CERTIFICATE-----';
  for (const pem of found) {
    try {
      const certificate = new X509Certificate(pem);
      if (!certificate.ca && certificate.issuer !== certificate.subject)
        return 'holds the certificate of a server; that of the authority that has signed it is needed';
    } catch {
      return 'holds a certificate that cannot be read; was it copied whole?';
    }
  }
  return null;
}
