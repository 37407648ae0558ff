import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';

/**
 * What happens to one request on the way. drop: it never arrives; cut: it arrives, the answer does not; twice: it arrives twice, and the second
 * answer comes back; slow: it takes a while; a status: somebody on the way answers.
 */
export type Fate =
  | 'pass'
  | 'drop'
  | 'cut'
  | 'twice'
  | 'slow'
  | { status: number; headers?: Record<string, string>; body?: string };

export interface PassedRequest {
  path: string;
  sequence: number;
  body: string;
  /** Signed with a session key, not with that of the device. */
  inSession: boolean;
}

/** A line between appliance and coordinator that can be bad: it ends TLS, because what is sealed cannot be sent twice. */
export interface BadLine {
  url: URL;
  /** Where requests go on to; none: nobody is there. */
  target: string | null;
  /** Asked for every request. */
  fate: (request: PassedRequest) => Fate;
  /** What has come, in its order. */
  readonly requests: PassedRequest[];
  close(): Promise<void>;
}

const SLOW_MS = 150;

export async function openBadLine(tls: { certificate: string; key: string }): Promise<BadLine> {
  const requests: PassedRequest[] = [];
  const handle = async (request: IncomingMessage, response: ServerResponse) => {
    const chunks: Uint8Array[] = [];
    for await (const chunk of request) chunks.push(chunk as Uint8Array);
    const body = Buffer.concat(chunks);
    const path = request.url ?? '/';
    const passed = {
      ...{ path, body: body.toString('utf8') },
      sequence: Number(request.headers['bulkhead-sequence']),
      inSession: String(request.headers['signature-input']).includes('bulkhead-session'),
    };
    requests.push(passed);
    const fate = line.target === null ? 'drop' : line.fate(passed);
    if (typeof fate === 'object') {
      response.writeHead(fate.status, fate.headers);
      response.end(fate.body);
      return;
    }
    if (fate === 'slow') await Bun.sleep(SLOW_MS);
    if (fate === 'drop') return void request.socket.destroy();
    const send = () =>
      fetch(`${line.target}${path}`, {
        method: request.method ?? 'GET',
        headers: Object.entries(request.headers).flatMap(([name, value]): [string, string][] =>
          typeof value === 'string' && name !== 'connection' ? [[name, value]] : [],
        ),
        ...(body.length === 0 ? {} : { body }),
      });
    let answer = await send();
    if (fate === 'twice') answer = await send();
    const text = await answer.text();
    if (fate === 'cut') return void request.socket.destroy();
    response.writeHead(answer.status, Object.fromEntries(answer.headers));
    response.end(text);
  };
  const server = createServer({ cert: tls.certificate, key: tls.key }, (request, response) => {
    handle(request, response).catch(() => request.socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  const line: BadLine = {
    ...{ url: new URL(`https://localhost:${port}`), target: null, fate: () => 'pass', requests },
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
  return line;
}
