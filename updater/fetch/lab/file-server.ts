/** A decent server of one file: ranges, entity tag, whatever else a test sets. */
export interface FileServer {
  url: string;
  origin: string;
  /** Heads of the requests, in order. */
  requests: Headers[];
  stop(): Promise<void>;
}

export interface FileServerOptions {
  headers?: Record<string, string>;
  tls?: { key: string; cert: string };
  /** Answers instead of the file when it returns something. */
  instead?: (request: Request, number: number) => Response | undefined;
}

export function fileServer(file: Uint8Array<ArrayBuffer>, options: FileServerOptions = {}): FileServer {
  const requests: Headers[] = [];
  const server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    ...(options.tls ? { tls: options.tls } : {}),
    fetch(request) {
      requests.push(request.headers);
      const other = options.instead?.(request, requests.length - 1);
      if (other) return other;
      const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.get('range') ?? '') ?? [];
      if (first === undefined) return new Response(file, { headers: options.headers ?? {} });
      const start = Number(first);
      const end = Math.min(Number(last) + 1, file.length);
      if (start >= file.length)
        return new Response(null, { status: 416, headers: { 'Content-Range': `bytes */${file.length}` } });
      const range = { 'Content-Range': `bytes ${start}-${end - 1}/${file.length}` };
      return new Response(file.subarray(start, end), {
        status: 206,
        headers: { ETag: '"one"', ...options.headers, ...range },
      });
    },
  });
  const origin = `${options.tls ? 'https://localhost' : 'http://127.0.0.1'}:${server.port}`;
  return { url: `${origin}/files/slot.bundle`, origin, requests, stop: () => server.stop(true) };
}
