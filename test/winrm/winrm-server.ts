import { createHash, randomBytes, X509Certificate } from 'node:crypto';
import { createServer as createTcpServer, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import {
  type Challenge,
  judgeAuthenticate,
  makeChallenge,
  type NtlmAccount,
  ServerSealing,
} from './ntlm-server.ts';
import { type FakeRun, WinrmService } from './winrm-service.ts';

export interface WinrmServerOptions {
  account: NtlmAccount;
  run: (script: string) => FakeRun;
  tls?: { certificate: string; key: string };
}

/** What the transport does unlike a healthy one. */
export interface TransportFaults {
  /** Answers everything with this status and nothing else. */
  status?: number;
  /** Sends answers of the service without encryption. */
  plain?: boolean;
  /** Flips a bit of every sealed answer. */
  bend?: boolean;
  /** Flags of NTLM that are not offered. */
  without_flags?: number;
  /** Offers another scheme than Negotiate. */
  scheme?: string;
  /** Answers in chunks. */
  chunked?: boolean;
  /** Sends these bytes instead of an answer. */
  raw?: Buffer;
  /** Reads and never answers. */
  mute?: boolean;
}

/** A WinRM service for tests: HTTP/1.1, Negotiate with NTLM per connection, encrypted messages over plain HTTP (MS-WSMV 2.2.9.1). */
export interface WinrmServer {
  port: number;
  service: WinrmService;
  faults: TransportFaults;
  /** Connections that are open now. */
  connections(): number;
  /** Why log-ins were turned away. */
  refusals: string[];
  /** Messages that were opened with a right signature. */
  opened(): number;
  /** SHA-256 of its certificate. */
  fingerprint: string;
  stop(): Promise<void>;
}

interface Peer {
  socket: Socket;
  buffer: Buffer;
  negotiate: Buffer | null;
  challenge: Challenge | null;
  sealing: ServerSealing | null;
  logged_in: boolean;
  /** Answers leave in the order of the questions. */
  turn: Promise<void>;
}

export async function startWinrmServer(options: WinrmServerOptions): Promise<WinrmServer> {
  const { account, tls } = options;
  const service = new WinrmService(options.run);
  const peers = new Set<Socket>();
  const refusals: string[] = [];
  const der = tls ? new X509Certificate(tls.certificate).raw : null;
  let opened = 0;

  const accept = (socket: Socket) => {
    peers.add(socket);
    const peer: Peer = {
      ...{ socket, buffer: Buffer.alloc(0), negotiate: null, challenge: null },
      ...{ sealing: null, logged_in: false, turn: Promise.resolve() },
    };
    socket.on('close', () => peers.delete(socket));
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk: Buffer) => {
      peer.buffer = Buffer.concat([peer.buffer, chunk]);
      for (let request = takeRequest(peer); request; request = takeRequest(peer)) {
        const { headers, body } = request;
        peer.turn = peer.turn.then(() => handle(peer, headers, body));
      }
    });
  };

  async function handle(peer: Peer, headers: string, body: Buffer): Promise<void> {
    const { faults } = server;
    if (faults.mute) return;
    if (faults.raw) return void peer.socket.write(faults.raw);
    if (faults.status !== undefined) return send(peer, faults.status, '', Buffer.alloc(0));
    const token = /^Authorization: Negotiate (\S+)$/im.exec(headers)?.[1];
    if (token !== undefined) {
      const [status, offer] = logIn(peer, Buffer.from(token, 'base64'));
      return send(peer, status, offer, Buffer.alloc(0));
    }
    if (!peer.logged_in) return send(peer, 401, 'WWW-Authenticate: Negotiate\r\n', Buffer.alloc(0));
    const text = peer.sealing ? open(peer.sealing, headers, body) : body.toString('utf8');
    if (text === null) return send(peer, 400, '', Buffer.alloc(0));
    const answer = await service.answer(text);
    if (answer === null) return;
    const plain = Buffer.from(answer.envelope);
    if (!peer.sealing || faults.plain)
      return send(peer, answer.status, 'Content-Type: application/soap+xml;charset=UTF-8\r\n', plain);
    const sealed = peer.sealing.seal(plain);
    if (faults.bend) sealed[30] = (sealed[30] ?? 0) ^ 4;
    const head = `--Encrypted Boundary\r\nContent-Type: application/HTTP-SPNEGO-session-encrypted\r\nOriginalContent: type=application/soap+xml;charset=UTF-8;Length=${plain.length}\r\n--Encrypted Boundary\r\nContent-Type: application/octet-stream\r\n`;
    const type =
      'Content-Type: multipart/encrypted;protocol="application/HTTP-SPNEGO-session-encrypted";boundary="Encrypted Boundary"\r\n';
    send(
      peer,
      answer.status,
      type,
      Buffer.concat([Buffer.from(head), sealed, Buffer.from('--Encrypted Boundary--\r\n')]),
    );
  }

  /** Status and header of the answer to a token. */
  function logIn(peer: Peer, token: Buffer): [status: number, headers: string] {
    const type = token.length >= 12 ? token.readUInt32LE(8) : 0;
    if (type === 1) {
      peer.negotiate = token;
      peer.challenge = makeChallenge(randomBytes(8), server.faults.without_flags);
      const scheme = server.faults.scheme ?? 'Negotiate';
      return [401, `WWW-Authenticate: ${scheme} ${peer.challenge.message.toString('base64')}\r\n`];
    }
    if (type !== 3 || !peer.negotiate || !peer.challenge) return [400, ''];
    const verdict = judgeAuthenticate(peer.negotiate, peer.challenge, token, account, der && bindingOf(der));
    if ('refused' in verdict) {
      refusals.push(verdict.refused);
      return [401, 'WWW-Authenticate: Negotiate\r\n'];
    }
    peer.logged_in = true;
    peer.sealing = tls ? null : new ServerSealing(verdict.session_key);
    return [200, ''];
  }

  /** Lengths say where things are; anything else than the one form is refused. */
  function open(sealing: ServerSealing, headers: string, body: Buffer): string | null {
    if (
      !/^Content-Type: multipart\/encrypted;protocol="application\/HTTP-SPNEGO-session-encrypted"/im.test(
        headers,
      )
    ) {
      service.complaints.push('a message that is not encrypted');
      return null;
    }
    const length = /OriginalContent: type=application\/soap\+xml;charset=UTF-8;Length=(\d+)\r\n/.exec(
      body.toString('latin1'),
    )?.[1];
    const mark = Buffer.from('Content-Type: application/octet-stream\r\n');
    const at = body.indexOf(mark) + mark.length;
    const signature = body.subarray(at + 4, at + 20);
    const end = at + 20 + Number(length);
    const plain = sealing.open(signature, body.subarray(at + 20, end));
    if (plain === null || body.toString('latin1', end) !== '--Encrypted Boundary--\r\n') {
      service.complaints.push('a message with a wrong signature or form');
      return null;
    }
    opened += 1;
    return plain.toString('utf8');
  }

  function send(peer: Peer, status: number, headers: string, body: Buffer): void {
    const first = `HTTP/1.1 ${status} Something\r\nServer: Microsoft-HTTPAPI/2.0\r\n${headers}`;
    if (!server.faults.chunked || body.length === 0) {
      peer.socket.write(Buffer.concat([Buffer.from(`${first}Content-Length: ${body.length}\r\n\r\n`), body]));
      return;
    }
    const pieces = [body.subarray(0, 5), body.subarray(5, 300), body.subarray(300)].filter(
      (piece) => piece.length > 0,
    );
    const parts = pieces.flatMap((piece) => [
      Buffer.from(`${piece.length.toString(16)}\r\n`),
      piece,
      Buffer.from('\r\n'),
    ]);
    peer.socket.write(`${first}Transfer-Encoding: chunked\r\n\r\n`);
    for (const part of [...parts, Buffer.from('0\r\n\r\n')]) peer.socket.write(part);
  }

  const listener = tls
    ? createTlsServer({ key: tls.key, cert: tls.certificate }, accept)
    : createTcpServer(accept);
  const listening = Promise.withResolvers<void>();
  listener.listen(0, '127.0.0.1', () => listening.resolve());
  await listening.promise;
  const address = listener.address();
  const server: WinrmServer = {
    port: typeof address === 'object' && address ? address.port : 0,
    ...{ service, faults: {}, refusals },
    connections: () => peers.size,
    opened: () => opened,
    fingerprint: der ? createHash('sha256').update(der).digest('hex') : '',
    async stop() {
      for (const socket of peers) socket.destroy();
      const closed = Promise.withResolvers<void>();
      listener.close(() => closed.resolve());
      await closed.promise;
    },
  };
  return server;
}

/** One request with its body, taken off the front of what came in. */
function takeRequest(peer: Peer): { headers: string; body: Buffer } | null {
  const end = peer.buffer.indexOf('\r\n\r\n');
  if (end < 0) return null;
  const headers = peer.buffer.toString('latin1', 0, end);
  const size = Number(/^Content-Length: (\d+)$/im.exec(headers)?.[1] ?? 0);
  if (peer.buffer.length < end + 4 + size) return null;
  const body = peer.buffer.subarray(end + 4, end + 4 + size);
  peer.buffer = peer.buffer.subarray(end + 4 + size);
  return { headers, body };
}

/** RFC 2744 3.11 over RFC 5929: four empty addresses, then the data; test certificates are signed with SHA-256. */
function bindingOf(der: Buffer): Buffer {
  const data = Buffer.concat([
    Buffer.from('tls-server-end-point:'),
    createHash('sha256').update(der).digest(),
  ]);
  const size = Buffer.from([data.length, 0, 0, 0]);
  return createHash('md5')
    .update(Buffer.concat([Buffer.alloc(16), size, data]))
    .digest();
}
