import { createHash } from 'node:crypto';
import { ENCRYPTED_TYPE, sealBody, unsealBody } from './encrypted.ts';
import { statusError, winrmError } from './errors.ts';
import { type HttpResponse, headerOf } from './http-response.ts';
import { md5 } from './ntlm/hashes.ts';
import {
  authenticateMessage,
  type NtlmChance,
  type NtlmUser,
  negotiateMessage,
  readChallenge,
} from './ntlm/messages.ts';
import { type NtlmSealing, ntlmSealing } from './ntlm/sealing.ts';
import { type HttpSocket, openHttpSocket, type WinrmAddress, whereOf } from './socket.ts';

export interface WinrmPeer extends WinrmAddress {
  /** `user`, `DOMAIN\user` or `user@domain`. */
  user: string;
  password: string;
}

/** A connection that is logged in. Over plain HTTP everything on it is encrypted and signed by NTLM. */
export interface WinrmConnection {
  /** Sends one envelope. @returns the envelope that answers, with faults in it. */
  ask(envelope: string, signal: AbortSignal): Promise<string>;
  close(): void;
}

const SOAP_TYPE = 'application/soap+xml;charset=UTF-8';
const NOTHING = Buffer.alloc(0);

/**
 * Connects and logs in by NTLMv2.
 *
 * @throws BulkheadError of the socket, WINRM_NO_NTLM, WINRM_LOGIN_REFUSED, WINRM_NOT_ENABLED, NTLM_…
 */
export async function openWinrm(
  peer: WinrmPeer,
  chance: NtlmChance,
  signal: AbortSignal,
): Promise<WinrmConnection> {
  const socket = await openHttpSocket(peer, signal);
  try {
    const sealing = ntlmSealing(await logIn(socket, peer, chance, signal));
    const encrypted = socket.certificate === null ? sealing : null;
    return { ask: (envelope, until) => ask(socket, peer, encrypted, envelope, until), close: socket.close };
  } catch (error) {
    socket.close();
    throw error;
  }
}

async function logIn(
  socket: HttpSocket,
  peer: WinrmPeer,
  chance: NtlmChance,
  signal: AbortSignal,
): Promise<Buffer> {
  const post = (token: Buffer) =>
    socket.post(
      {
        Connection: 'Keep-Alive',
        'Content-Type': SOAP_TYPE,
        Authorization: `Negotiate ${token.toString('base64')}`,
      },
      NOTHING,
      signal,
    );
  const first = await post(negotiateMessage());
  if (first.status !== 401) throw statusError(whereOf(peer), first.status);
  const challenge = readChallenge(tokenOf(first, peer));
  const { message, session_key } = authenticateMessage(ntlmUser(peer), challenge, chance, {
    service: `HTTP/${peer.address}`,
    channel: socket.certificate && channelBinding(socket.certificate),
  });
  const second = await post(message);
  if (second.status !== 200) throw statusError(whereOf(peer), second.status);
  return session_key;
}

function tokenOf({ headers }: HttpResponse, peer: WinrmPeer): Buffer {
  const offers = headers.filter(([name]) => name === 'www-authenticate').map(([, value]) => value);
  const token = offers.map((offer) => /^Negotiate ([A-Za-z0-9+/]+={0,2})$/i.exec(offer)?.[1]).find(Boolean);
  if (token !== undefined) return Buffer.from(token, 'base64');
  throw winrmError(
    'WINRM_NO_NTLM',
    `${whereOf(peer)} does not take log-in by Negotiate`,
    "'winrm get winrm/config/service/auth' there shows what it takes; NTLM may be switched off by a policy",
  );
}

async function ask(
  socket: HttpSocket,
  peer: WinrmPeer,
  sealing: NtlmSealing | null,
  envelope: string,
  signal: AbortSignal,
): Promise<string> {
  const body = sealing ? sealBody(sealing, envelope) : Buffer.from(envelope);
  const type = sealing ? ENCRYPTED_TYPE : SOAP_TYPE;
  const answer = await socket.post({ Connection: 'Keep-Alive', 'Content-Type': type }, body, signal);
  // Faults come with 500 and an envelope; what has none says it by its status. Nothing else is believed without a signature.
  const carries = answer.status === 200 || answer.status === 500;
  if (!carries || answer.body.length === 0) throw statusError(whereOf(peer), answer.status);
  if (sealing) return unsealBody(sealing, answer.body);
  if (!/^application\/soap\+xml/i.test(headerOf(answer.headers, 'content-type') ?? ''))
    throw winrmError('WINRM_PROTOCOL', `${whereOf(peer)} answers with something that is no SOAP`);
  return answer.body.toString('utf8');
}

function ntlmUser({ user, password }: WinrmPeer): NtlmUser {
  const [first = '', second] = user.split('\\');
  return second === undefined ? { user, domain: '', password } : { user: second, domain: first, password };
}

/**
 * Ties the log-in to this TLS channel (RFC 5929 tls-server-end-point, in the structure of RFC 2744 3.11, as MS-NLMP 2.2.2.1 asks): a
 * log-in that is passed on by somebody in between is then refused.
 */
export function channelBinding(certificate: NonNullable<HttpSocket['certificate']>): Buffer {
  const { der, signature_algorithm } = certificate;
  // RFC 5929, 4.1: the hash of the signature, but SHA-256 where that is MD5 or SHA-1.
  const [, size] = /sha-?(384|512)/i.exec(signature_algorithm) ?? [];
  const hash = createHash(`sha${size ?? 256}`)
    .update(der)
    .digest();
  const data = Buffer.concat([Buffer.from('tls-server-end-point:'), hash]);
  const head = Buffer.alloc(20);
  head.writeUInt32LE(data.length, 16);
  return md5(head, data);
}
