import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

/**
 * A store that speaks as much of Amazon's S3 as the coordinator asks of one, written from its API reference: objects with ranges, listing in
 * pages, multipart uploads, and signatures of version 4, which are checked.
 */
export interface S3Server {
  url: string;
  /** By key, in one bucket. */
  objects: Map<string, Uint8Array>;
  /** Multipart uploads that have begun and not ended. */
  open: Map<string, Map<number, Uint8Array>>;
  /** Refused since the start, by code. */
  refused: string[];
  stop(): Promise<void>;
}

export const S3_KEYS = { access_key_id: 'AKIATEST', secret_access_key: 'secret/of+the test' };
export const S3_BUCKET = 'releases';
/** Few, so that a listing has pages. */
const PAGE = 3;

export function startS3Server(): S3Server {
  const objects = new Map<string, Uint8Array>();
  const open = new Map<string, Map<number, Uint8Array>>();
  const refused: string[] = [];
  const changed = new Date('2026-11-21T12:00:00Z');

  async function answer(request: Request): Promise<Response> {
    const body = new Uint8Array(await request.arrayBuffer());
    const url = new URL(request.url);
    if (!isSigned(request, url)) return refuse(403, 'SignatureDoesNotMatch');
    const [, bucket, ...rest] = decodeURIComponent(url.pathname).split('/');
    if (bucket !== S3_BUCKET) return refuse(404, 'NoSuchBucket');
    const key = rest.join('/');
    if (key === '') return listObjects(url);
    if (url.searchParams.has('uploads') || url.searchParams.has('uploadId'))
      return multipart(request, url, key, body);
    const object = objects.get(key);
    switch (request.method) {
      case 'PUT':
        objects.set(key, body);
        return new Response('', { headers: { etag: etagOf(body) } });
      case 'DELETE':
        objects.delete(key);
        return new Response(null, { status: 204 });
      case 'HEAD':
      case 'GET':
        return object === undefined ? refuse(404, 'NoSuchKey') : readObject(request, object);
      default:
        return refuse(405, 'MethodNotAllowed');
    }
  }

  function refuse(status: number, code: string): Response {
    refused.push(code);
    return new Response(`<Error><Code>${code}</Code></Error>`, { status });
  }

  function readObject(request: Request, object: Uint8Array): Response {
    const headers = new Headers({ etag: etagOf(object), 'last-modified': changed.toUTCString() });
    const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.get('range') ?? '') ?? [];
    if (first === undefined) return new Response(new Uint8Array(object), { headers });
    const part = object.slice(Number(first), Number(last) + 1);
    headers.set('content-range', `bytes ${first}-${Number(first) + part.length - 1}/${object.length}`);
    return new Response(part, { status: 206, headers });
  }

  function listObjects(url: URL): Response {
    const prefix = url.searchParams.get('prefix') ?? '';
    const after = url.searchParams.get('continuation-token') ?? '';
    const keys = [...objects.keys()].filter((key) => key.startsWith(prefix) && key > after).sort();
    const page = keys.slice(0, PAGE);
    const more = keys.length > PAGE;
    const contents = page.map(
      (key) =>
        `<Contents><Key>${key}</Key><LastModified>${changed.toISOString()}</LastModified><Size>${objects.get(key)?.length}</Size></Contents>`,
    );
    const next = more ? `<NextContinuationToken>${page.at(-1)}</NextContinuationToken>` : '';
    return new Response(
      `<?xml version="1.0"?><ListBucketResult><IsTruncated>${more}</IsTruncated>${next}${contents.join('')}</ListBucketResult>`,
    );
  }

  function multipart(request: Request, url: URL, key: string, body: Uint8Array): Response {
    const id = url.searchParams.get('uploadId') ?? `upload${open.size}`;
    if (request.method === 'POST' && url.searchParams.has('uploads')) {
      open.set(id, new Map());
      return new Response(
        `<InitiateMultipartUploadResult><UploadId>${id}</UploadId></InitiateMultipartUploadResult>`,
      );
    }
    const parts = open.get(id);
    if (parts === undefined) return refuse(404, 'NoSuchUpload');
    if (request.method === 'PUT') {
      parts.set(Number(url.searchParams.get('partNumber')), body);
      return new Response('', { headers: { etag: etagOf(body) } });
    }
    open.delete(id);
    if (request.method === 'DELETE') return new Response(null, { status: 204 });
    const numbers = [...parts.keys()].sort((a, b) => a - b);
    // All but the last have at least 5 MiB.
    if (numbers.slice(0, -1).some((number) => (parts.get(number)?.length ?? 0) < 5 * 1024 * 1024))
      return refuse(400, 'EntityTooSmall');
    objects.set(key, Buffer.concat(numbers.map((number) => parts.get(number) ?? new Uint8Array())));
    return new Response('<CompleteMultipartUploadResult></CompleteMultipartUploadResult>');
  }

  const server = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: answer });
  return {
    ...{ url: `http://127.0.0.1:${server.port}`, objects, open, refused },
    stop: () => server.stop(true),
  };
}

const etagOf = (bytes: Uint8Array) => `"${createHash('md5').update(bytes).digest('hex')}"`;
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const hmac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest();

/** As https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-authenticating-requests.html says. */
function isSigned(request: Request, url: URL): boolean {
  const header = (name: string) => request.headers.get(name) ?? '';
  const [, scope = '', names = '', signature = ''] =
    /^AWS4-HMAC-SHA256 Credential=([^,]+), ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/.exec(
      header('authorization'),
    ) ?? [];
  const [access_key_id, day = '', region = '', service = ''] = scope.split('/');
  if (access_key_id !== S3_KEYS.access_key_id || service !== 's3') return false;
  const query = [...url.searchParams].map(([name, value]) => `${encode(name)}=${encode(value)}`).sort();
  const canonical = [
    ...[request.method, url.pathname, query.join('&')],
    ...names.split(';').map((name) => `${name}:${header(name).trim()}`),
    ...['', names, header('x-amz-content-sha256')],
  ].join('\n');
  const toSign = [
    'AWS4-HMAC-SHA256',
    header('x-amz-date'),
    `${day}/${region}/s3/aws4_request`,
    sha256(canonical),
  ].join('\n');
  const key = [day, region, 's3', 'aws4_request'].reduce<Buffer>(
    (made, text) => hmac(made, text),
    Buffer.from(`AWS4${S3_KEYS.secret_access_key}`),
  );
  return timingSafeEqual(hmac(key, toSign), Buffer.from(signature, 'hex'));
}

function encode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
