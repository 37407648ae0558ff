import { ServerCredentials } from '@grpc/grpc-js';
import type { ServerIdentity } from '../pki/authority.ts';

/**
 * TLS that asks for a client certificate and does not insist: who wants to register has none yet. A certificate that is not of our
 * authority counts as none (`getAuthContext` gives those only whose chain was verified). `createSsl` of grpc-js knows all or nothing.
 */
export class OptionalClientCertificates extends ServerCredentials {
  readonly #authority_pem: string;

  constructor(authority_pem: string, identity: ServerIdentity) {
    super(
      // 1.3 is taken where both have it.
      { requestCert: true, rejectUnauthorized: false, minVersion: 'TLSv1.2' },
      contextOf(authority_pem, identity),
    );
    this.#authority_pem = authority_pem;
  }

  /** New connections get the new certificate; open ones stay. */
  swap(identity: ServerIdentity): void {
    this.updateSecureContextOptions(contextOf(this.#authority_pem, identity));
  }

  override _equals(other: ServerCredentials): boolean {
    return other === this;
  }
}

function contextOf(authority_pem: string, { certificate_pem, key_pem }: ServerIdentity) {
  // The authority is shown as well: a sensor that has only its fingerprint compares before it says anything.
  return { ca: authority_pem, cert: `${certificate_pem}\n${authority_pem}`, key: key_pem };
}
