import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';

/** A server on a bare socket, for answers that no decent server gives. */
export interface RawServer {
  url: string;
  /** Heads of the requests, in order. */
  requests: string[];
  /** Connections that were made so far. */
  readonly connections: number;
  /** Connections that are open now. */
  readonly open: number;
  stop(): Promise<void>;
}

/**
 * @param answer called for each request; `number` counts them from 0 over all connections
 * @param port 0 for a free one
 */
export async function rawServer(
  answer: (socket: Socket, request: string, number: number) => void,
  port = 0,
): Promise<RawServer> {
  const sockets = new Set<Socket>();
  const requests: string[] = [];
  let connections = 0;
  const server = createServer((socket) => {
    sockets.add(socket);
    connections += 1;
    let pending = '';
    // A client that leaves in the middle of an answer is what many tests are about.
    socket.on('error', () => sockets.delete(socket));
    socket.on('close', () => sockets.delete(socket));
    socket.on('data', (part) => {
      pending += part.toString('latin1');
      for (let end = pending.indexOf('\r\n\r\n'); end >= 0; end = pending.indexOf('\r\n\r\n')) {
        const request = pending.slice(0, end);
        pending = pending.slice(end + 4);
        requests.push(request);
        answer(socket, request, requests.length - 1);
      }
    });
  });
  await once(server.listen(port, '127.0.0.1'), 'listening');
  const bound = server.address();
  if (bound === null || typeof bound === 'string') throw new Error('the server has no port');
  return {
    url: `http://127.0.0.1:${bound.port}/files/slot.bundle`,
    requests,
    get connections() {
      return connections;
    },
    get open() {
      return sockets.size;
    },
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((done) => server.close(done));
    },
  };
}

/** Range of a request, end not included; undefined when it has none. */
export function askedRange(request: string): { start_bytes: number; end_bytes: number } | undefined {
  const [, first, last] = /^range: bytes=(\d+)-(\d+)$/im.exec(request) ?? [];
  return first === undefined ? undefined : { start_bytes: Number(first), end_bytes: Number(last) + 1 };
}

/** Head of a 206 for what was asked, with more headers if wanted. */
export function partialHead(request: string, size_bytes: number, more: readonly string[] = []): string {
  const { start_bytes, end_bytes } = askedRange(request) ?? { start_bytes: 0, end_bytes: size_bytes };
  const end = Math.min(end_bytes, size_bytes);
  return [
    'HTTP/1.1 206 Partial Content',
    `Content-Range: bytes ${start_bytes}-${end - 1}/${size_bytes}`,
    `Content-Length: ${end - start_bytes}`,
    ...more,
    '\r\n',
  ].join('\r\n');
}

/** Milliseconds after the bytes. */
const CUT_MS = 15;

/** The end comes behind the bytes, as it does on a line: with both in one the runtime sees an end only. */
export function cutBehind(socket: Socket, bytes: Uint8Array): void {
  socket.write(bytes);
  setTimeout(() => socket.end(), CUT_MS);
}
