import { createHash } from 'node:crypto';
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { BulkheadError } from '../../../../base/errors.ts';
import { CONNECT_TIMEOUT_MS } from '../limits.ts';
import { winrmError } from './errors.ts';
import { type HttpResponse, readHttpResponse } from './http-response.ts';

export interface WinrmAddress {
  address: string;
  port: number;
  /** SHA-256 of the only certificate that is believed, in hex; null: plain TCP. */
  certificate_sha256: string | null;
}

/** One connection: NTLM logs in connections, not requests, so everything has to go over the same. */
export interface HttpSocket {
  /** The certificate of the machine and how it is signed; null without TLS. */
  certificate: { der: Buffer; signature_algorithm: string } | null;
  /** One at a time. @throws BulkheadError WINRM_CONNECTION_LOST, WINRM_STOPPED, and of the response */
  post(
    headers: Readonly<Record<string, string>>,
    body: Uint8Array,
    signal: AbortSignal,
  ): Promise<HttpResponse>;
  close(): void;
}

export function whereOf({ address, port }: Pick<WinrmAddress, 'address' | 'port'>): string {
  return `${address} port ${port}`;
}

/**
 * Connects. With TLS nothing is sent before the certificate was found to be the pinned one; who signed it and what name it carries do not
 * matter then.
 *
 * @throws BulkheadError WINRM_UNREACHABLE, WINRM_CERTIFICATE_DIFFERS, WINRM_STOPPED
 */
export async function openHttpSocket(peer: WinrmAddress, signal: AbortSignal): Promise<HttpSocket> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(CONNECT_TIMEOUT_MS)]);
  const { address: host, port, certificate_sha256 } = peer;
  const socket: Socket | TLSSocket =
    certificate_sha256 === null
      ? connectTcp({ host, port })
      : connectTls({ host, port, rejectUnauthorized: false, minVersion: 'TLSv1.2' });
  try {
    await connected(socket, certificate_sha256 === null ? 'connect' : 'secureConnect', limit);
    const certificate = certificate_sha256 === null ? null : pinned(socket as TLSSocket, peer);
    return httpOver(socket, peer, certificate);
  } catch (error) {
    socket.destroy();
    if (signal.aborted) throw stopped(peer, signal);
    if (error instanceof BulkheadError) throw error;
    throw winrmError(
      'WINRM_UNREACHABLE',
      `cannot reach ${whereOf(peer)}`,
      "is the machine on, is WinRM on ('Enable-PSRemoting'), and does its firewall let the appliance in?",
      error,
    );
  }
}

function connected(socket: Socket, event: string, limit: AbortSignal): Promise<void> {
  const done = Promise.withResolvers<void>();
  socket.once(event, () => done.resolve());
  socket.on('error', (error) => done.reject(error));
  socket.once('close', () => done.reject(new Error('the connection was closed')));
  limit.addEventListener('abort', () => done.reject(limit.reason), { once: true });
  if (limit.aborted) done.reject(limit.reason);
  return done.promise;
}

function pinned(socket: TLSSocket, peer: WinrmAddress): HttpSocket['certificate'] {
  const der = socket.getPeerCertificate().raw;
  const shown = createHash('sha256').update(der).digest('hex');
  if (shown !== peer.certificate_sha256?.replaceAll(':', '').toLowerCase()) {
    throw winrmError(
      'WINRM_CERTIFICATE_DIFFERS',
      `${whereOf(peer)} shows the certificate with SHA-256 ${shown}`,
      'either something else answers there, or the machine has a new one; compare on the machine itself, then change certificate_sha256',
    );
  }
  return { der, signature_algorithm: socket.getPeerX509Certificate()?.signatureAlgorithm ?? '' };
}

function httpOver(socket: Socket, peer: WinrmAddress, certificate: HttpSocket['certificate']): HttpSocket {
  let received: Buffer = Buffer.alloc(0);
  let waiting: PromiseWithResolvers<HttpResponse> | null = null;
  let ended = false;
  const lost = (cause?: unknown) => {
    ended = true;
    waiting?.reject(
      winrmError('WINRM_CONNECTION_LOST', `${whereOf(peer)} closed the connection`, undefined, cause),
    );
    waiting = null;
  };
  socket.on('data', (chunk: Buffer) => {
    received = Buffer.concat([received, chunk]);
    try {
      const read = readHttpResponse(received);
      if (!read) return;
      received = read.rest;
      // What comes unasked has no place in this conversation.
      if (waiting === null) socket.destroy();
      waiting?.resolve(read.response);
      waiting = null;
    } catch (error) {
      waiting?.reject(error);
      waiting = null;
      socket.destroy();
    }
  });
  socket.on('error', lost);
  socket.on('close', () => lost());
  const host = peer.address.includes(':') ? `[${peer.address}]` : peer.address;
  return {
    certificate,
    async post(headers, body, signal) {
      if (signal.aborted) throw stopped(peer, signal);
      if (ended) throw winrmError('WINRM_CONNECTION_LOST', `${whereOf(peer)} closed the connection`);
      const answer = Promise.withResolvers<HttpResponse>();
      waiting = answer;
      const stop = () => {
        answer.reject(stopped(peer, signal));
        waiting = null;
        socket.destroy();
      };
      signal.addEventListener('abort', stop, { once: true });
      const lines = Object.entries({
        Host: `${host}:${peer.port}`,
        ...headers,
        'Content-Length': body.length,
      });
      const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join('');
      socket.write(Buffer.concat([Buffer.from(`POST /wsman HTTP/1.1\r\n${head}\r\n`, 'latin1'), body]));
      try {
        return await answer.promise;
      } finally {
        signal.removeEventListener('abort', stop);
      }
    },
    close: () => socket.destroy(),
  };
}

function stopped(peer: WinrmAddress, signal: AbortSignal) {
  return winrmError('WINRM_STOPPED', `work on ${whereOf(peer)} was stopped`, undefined, signal.reason);
}
