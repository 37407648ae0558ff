import { answerRange } from '../../base/http-range.ts';
import type { ArtifactStore } from './store.ts';

/** A stored file as the answer to GET or HEAD, with ranges and entity tags as RFC 9110 says. */
export function answerArtifact(
  store: ArtifactStore,
  { sha256, size_bytes }: { sha256: string; size_bytes: number },
  request: Request,
): Response {
  const etag = `"${sha256}"`;
  const field = (name: string) => request.headers.get(name);
  const asked = {
    // A range has no meaning with any other method (14.2).
    range: request.method === 'GET' ? field('range') : null,
    if_range: field('if-range'),
    if_none_match: field('if-none-match'),
  };
  const answer = answerRange(asked, size_bytes, etag);
  const headers = new Headers({
    ...{ etag, 'accept-ranges': 'bytes', 'content-type': 'application/octet-stream' },
    // What a digest names never changes; a proxy that packs it would move its bytes.
    'cache-control': 'public, max-age=31536000, immutable, no-transform',
    'content-disposition': 'attachment',
  });
  switch (answer.status) {
    case 304:
      return new Response(null, { status: 304, headers });
    case 416:
      headers.set('content-range', `bytes */${size_bytes}`);
      return new Response(null, { status: 416, headers });
    default: {
      const { status, start_bytes, end_bytes } = answer;
      headers.set('content-length', String(end_bytes - start_bytes));
      if (status === 206) headers.set('content-range', `bytes ${start_bytes}-${end_bytes - 1}/${size_bytes}`);
      // For HEAD the runtime leaves the body away and keeps its length.
      return new Response(store.body(sha256, start_bytes, end_bytes), { status, headers });
    }
  }
}
