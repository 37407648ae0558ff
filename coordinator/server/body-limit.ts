import { REQUEST_BODY_MAX_BYTES } from '../limits.ts';
import { WEBHOOK_BODY_MAX_BYTES } from '../webhooks/limits.ts';

/** Pieces of files have a limit of their own, which the server holds them to. */
const PIECE_PATH = /^\/api\/v1\/uploads\/[0-9a-f]{64}$/;

/** Pushes list their commits. */
const WEBHOOK_PATH = /^\/webhooks\/[0-9a-f-]{36}$/;

/**
 * The request, if its body is as small as all but pieces of files are. A body whose length was not announced is read here, no further
 * than it may go.
 *
 * @returns undefined: it is larger
 */
export async function withinBodyLimit(request: Request): Promise<Request | undefined> {
  if (request.method === 'GET' || request.method === 'HEAD') return request;
  const { pathname } = new URL(request.url);
  if (request.method === 'PATCH' && PIECE_PATH.test(pathname)) return request;
  const max_bytes = WEBHOOK_PATH.test(pathname) ? WEBHOOK_BODY_MAX_BYTES : REQUEST_BODY_MAX_BYTES;
  const length = request.headers.get('content-length');
  if (length !== null) return Number(length) <= max_bytes ? request : undefined;
  if (request.body === null) return request;
  const parts: Uint8Array[] = [];
  let size_bytes = 0;
  for await (const part of request.body) {
    size_bytes += part.length;
    if (size_bytes > max_bytes) return undefined;
    parts.push(part);
  }
  const { method, headers, url } = request;
  return new Request(url, { method, headers, body: Buffer.concat(parts) });
}
