import { SITE_REPORT_MAX_BYTES } from '../../protocol/limits.ts';
import { UPLOAD_PIECE_MAX_BYTES } from '../artifacts/limits.ts';
import { REQUEST_BODY_MAX_BYTES } from '../limits.ts';
import { WEBHOOK_BODY_MAX_BYTES } from '../webhooks/limits.ts';

/** Pieces of files. */
const PIECE_PATH = /^\/api\/v1\/uploads\/[0-9a-f]{64}$/;
/** Forms that bring files: they are read as they come in, for whom may send them, and never held. */
const FILES_PATH = /^\/releases\//;
const MULTIPART = /^multipart\/form-data\b/i;

/** Pushes list their commits. */
const WEBHOOK_PATH = /^\/webhooks\/[0-9a-f-]{36}$/;

/**
 * The request, if its body is no larger than such a request may be. A body whose length was not announced is read here, no further than
 * it may go.
 *
 * @returns undefined: it is larger
 */
export async function withinBodyLimit(request: Request): Promise<Request | undefined> {
  const { method, headers, url, body } = request;
  if (method === 'GET' || method === 'HEAD') return request;
  const { pathname } = new URL(url);
  if (method === 'POST' && FILES_PATH.test(pathname) && MULTIPART.test(headers.get('content-type') ?? ''))
    return request;
  const max_bytes = maxBytesOf(method, pathname);
  const length = headers.get('content-length');
  if (length !== null) return Number(length) <= max_bytes ? request : undefined;
  if (body === null) return request;
  const parts: Uint8Array[] = [];
  let size_bytes = 0;
  for await (const part of body) {
    size_bytes += part.length;
    if (size_bytes > max_bytes) return undefined;
    parts.push(part);
  }
  return new Request(url, { method, headers, body: Buffer.concat(parts) });
}

/** Reports of sites name sensors and findings. */
const SITE_PATH = '/agent/site';

function maxBytesOf(method: string, pathname: string): number {
  if (method === 'PATCH' && PIECE_PATH.test(pathname)) return UPLOAD_PIECE_MAX_BYTES;
  if (pathname === SITE_PATH) return SITE_REPORT_MAX_BYTES;
  return WEBHOOK_PATH.test(pathname) ? WEBHOOK_BODY_MAX_BYTES : REQUEST_BODY_MAX_BYTES;
}
