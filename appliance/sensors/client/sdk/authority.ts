import { createHash, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { connect, type DetailedPeerCertificate, type TLSSocket } from 'node:tls';
import { BulkheadError } from '../../../../base/errors.ts';
import { CALL_TIMEOUT_MS } from './limits.ts';

/** How a sensor comes to know that it speaks to its appliance. */
export type AuthoritySource =
  /** The certificate of the appliance's authority, in PEM. */
  | { file: string }
  /** SHA-256 of that certificate, as the appliance shows it beside a code. */
  | { fingerprint: string }
  /** Whoever answers first is believed, and from then on nobody else. */
  | { first_use: true };

/**
 * The certificate of the authority, in PEM, before anything secret is said.
 *
 * @throws BulkheadError SENSOR_AUTHORITY_UNREADABLE, SENSOR_AUTHORITY_OTHER, SENSOR_AUTHORITY_UNKNOWN
 */
export async function findAuthority(address: Address, source: AuthoritySource): Promise<string> {
  if ('file' in source) {
    try {
      return new X509Certificate(readFileSync(source.file)).toString();
    } catch (cause) {
      throw new BulkheadError('SENSOR_AUTHORITY_UNREADABLE', `there is no certificate in ${source.file}`, {
        cause,
        hint: 'it is shown by the appliance: bulkhead sensors code',
      });
    }
  }
  const chain = await shownChain(address);
  const authority = chain.at(-1);
  if (authority === undefined || chain.length < 2 || !new X509Certificate(authority).ca)
    throw new BulkheadError(
      'SENSOR_AUTHORITY_UNKNOWN',
      `${address.host}:${address.port} does not show the certificate of its authority`,
      { hint: 'name a file with it: --ca' },
    );
  const found = createHash('sha256').update(authority).digest('hex');
  if ('fingerprint' in source && normal(source.fingerprint) !== found)
    throw new BulkheadError(
      'SENSOR_AUTHORITY_OTHER',
      `the authority of ${address.host}:${address.port} has the fingerprint ${found}, expected ${normal(source.fingerprint)}`,
      { hint: 'this is another appliance, or somebody in between; nothing was sent to it' },
    );
  return new X509Certificate(authority).toString();
}

/** Where the appliance listens. */
export interface Address {
  host: string;
  port: number;
}

/** @param text `host`, `host:port`, `[2001:db8::1]:port` @throws BulkheadError SENSOR_ADDRESS_INVALID */
export function parseAddress(text: string, default_port: number): Address {
  const [, bracketed, plain, port] =
    /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9._-]+))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  const number = port === undefined ? default_port : Number(port);
  if (host === undefined || number < 1 || number > 65_535)
    throw new BulkheadError('SENSOR_ADDRESS_INVALID', `'${text}' is no address of an appliance`, {
      hint: 'a name or an address, with a port if it is another: appliance.local, 192.0.2.7:50051, [2001:db8::7]:50051',
    });
  return { host, port: number };
}

/** Certificates that the appliance shows, in DER, its own first. Nothing is believed and nothing is said. */
async function shownChain({ host, port }: Address): Promise<Uint8Array[]> {
  const socket = await new Promise<TLSSocket>((resolve, reject) => {
    const failed = (cause: unknown) =>
      reject(
        new BulkheadError('SENSOR_AUTHORITY_UNKNOWN', `cannot look at the certificate of ${host}:${port}`, {
          cause,
          hint: 'is the appliance there, and is the port right?',
        }),
      );
    const opened = connect({
      host,
      port,
      rejectUnauthorized: false,
      ALPNProtocols: ['h2'],
      timeout: CALL_TIMEOUT_MS,
    });
    opened.once('secureConnect', () => resolve(opened));
    opened.once('timeout', () => opened.destroy(new Error('it does not answer')));
    opened.once('error', failed);
  });
  try {
    const chain: Uint8Array[] = [];
    let shown: DetailedPeerCertificate | undefined = socket.getPeerCertificate(true);
    while (shown?.raw !== undefined && chain.length < CHAIN_MAX) {
      chain.push(Uint8Array.from(shown.raw));
      shown = shown.issuerCertificate === shown ? undefined : shown.issuerCertificate;
    }
    return chain;
  } finally {
    socket.destroy();
  }
}

/** The appliance shows two; whoever shows more than a handful is none. */
const CHAIN_MAX = 5;

function normal(fingerprint: string): string {
  return fingerprint
    .replace(/^sha256:/i, '')
    .replaceAll(':', '')
    .toLowerCase();
}
