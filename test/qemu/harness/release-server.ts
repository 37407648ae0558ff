import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { join, normalize } from 'node:path';

/** What a server may do to a client that only wants a file. */
export interface ServerMischief {
  /** Cuts the connection after so many bytes of a body, again and again. */
  cutEvery_bytes?: number;
  /** Sends so many bytes and then nothing more, without closing. */
  stallAfter_bytes?: number;
  /** Sends the client to this URL instead. */
  redirectTo?: string;
  /** Adds this to the length it announces. */
  lieAbout_bytes?: number;
  /** Answers every range request with the whole file and 200. */
  ignoreRanges?: boolean;
  /** A body that never ends, whatever was asked. */
  endless?: boolean;
}

/** A plain HTTP file server on the loopback of this computer, which a machine reaches as 10.0.2.2. */
export interface ReleaseServer {
  port: number;
  /** For the machine. */
  url(path: string): string;
  /** Bytes of bodies that were sent so far. */
  sent_bytes: number;
  requests: { method: string; path: string; range: string | undefined; status: number }[];
  mischief: Map<string, ServerMischief>;
  close(): Promise<void>;
}

/** Sent at once by an endless body and between two looks at a stalled one. */
const CHUNK_BYTES = 64 * 1024;

/**
 * Serves the files of a folder, with ranges as RFC 9110 section 14 says.
 *
 * @param port 443 is what the firewall of an appliance lets out; plain HTTP is spoken on it all the same
 */
export async function serveReleases(folder: string, port = 443): Promise<ReleaseServer> {
  const server = createServer((request, response) => {
    answer(folder, state, request, response).catch(() => response.destroy());
  });
  const state: ReleaseServer = {
    port,
    url: (path) => `http://10.0.2.2:${state.port}/${path}`,
    sent_bytes: 0,
    requests: [],
    mischief: new Map(),
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => resolve());
  });
  const address = server.address();
  if (typeof address === 'object' && address) state.port = address.port;
  return state;
}

async function answer(
  folder: string,
  state: ReleaseServer,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const path = decodeURIComponent(new URL(request.url ?? '/', 'http://localhost').pathname).slice(1);
  const mischief = state.mischief.get(path) ?? {};
  const range = request.headers.range;
  const note = (status: number) => state.requests.push({ method: request.method ?? '', path, range, status });
  if (mischief.redirectTo !== undefined) {
    note(302);
    response.writeHead(302, { location: mischief.redirectTo }).end();
    return;
  }
  let file: number;
  try {
    file = openSync(join(folder, normalize(`/${path}`)), 'r');
  } catch {
    note(404);
    response.writeHead(404).end();
    return;
  }
  try {
    const size_bytes = fstatSync(file).size;
    const [start_bytes, end_bytes, partial] = mischief.ignoreRanges
      ? [0, size_bytes, false]
      : rangeOf(range, size_bytes);
    if (start_bytes >= end_bytes) {
      note(416);
      response.writeHead(416, { 'content-range': `bytes */${size_bytes}` }).end();
      return;
    }
    note(partial ? 206 : 200);
    response.writeHead(partial ? 206 : 200, {
      'accept-ranges': 'bytes',
      'content-type': 'application/octet-stream',
      ...(mischief.endless
        ? {}
        : { 'content-length': String(end_bytes - start_bytes + (mischief.lieAbout_bytes ?? 0)) }),
      ...(partial ? { 'content-range': `bytes ${start_bytes}-${end_bytes - 1}/${size_bytes}` } : {}),
    });
    if (request.method === 'HEAD') response.end();
    else await sendBody(state, response, file, start_bytes, end_bytes, mischief);
  } finally {
    closeSync(file);
  }
}

function rangeOf(header: string | undefined, size_bytes: number): [number, number, boolean] {
  const [, first, last] = /^bytes=(\d+)-(\d*)$/.exec(header ?? '') ?? [];
  if (first === undefined) return [0, size_bytes, false];
  return [Number(first), Math.min(size_bytes, last ? Number(last) + 1 : size_bytes), true];
}

async function sendBody(
  state: ReleaseServer,
  response: ServerResponse,
  file: number,
  start_bytes: number,
  end_bytes: number,
  { cutEvery_bytes, stallAfter_bytes, endless }: ServerMischief,
): Promise<void> {
  let at_bytes = start_bytes;
  const closed = new Promise<void>((resolve) => response.once('close', resolve));
  while ((endless || at_bytes < end_bytes) && !response.destroyed) {
    const sent_bytes = at_bytes - start_bytes;
    if (cutEvery_bytes !== undefined && sent_bytes >= cutEvery_bytes) {
      response.destroy();
      return;
    }
    if (stallAfter_bytes !== undefined && sent_bytes >= stallAfter_bytes) {
      await closed;
      return;
    }
    const wanted_bytes = endless ? CHUNK_BYTES : Math.min(CHUNK_BYTES, end_bytes - at_bytes);
    const chunk = Buffer.alloc(wanted_bytes);
    readSync(file, chunk, 0, wanted_bytes, at_bytes);
    state.sent_bytes += chunk.length;
    at_bytes += chunk.length;
    if (!response.write(chunk)) {
      await Promise.race([closed, new Promise<void>((resolve) => response.once('drain', resolve))]);
    }
  }
  response.end();
}
