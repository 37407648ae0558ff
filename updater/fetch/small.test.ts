import { afterEach, describe, expect, test } from 'vitest';
import { fileServer } from './lab/file-server.ts';
import { codeOf, eventually, SteppingClock, sameBytes, sampleFile } from './lab/lab.ts';
import { rawServer } from './lab/raw-server.ts';
import { MIRROR_TRIES } from './limits.ts';
import type { FetchOptions } from './options.ts';
import { exists, fetchSmall } from './small.ts';

const file = sampleFile(5_000);
const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

function serve(...args: Parameters<typeof fileServer>) {
  const server = fileServer(...args);
  cleanups.push(server.stop);
  return server;
}

async function serveRaw(...args: Parameters<typeof rawServer>) {
  const server = await rawServer(...args);
  cleanups.push(server.stop);
  return server;
}

const quick = (options: FetchOptions = {}): FetchOptions => ({
  clock: new SteppingClock(),
  stall_timeout_ms: 300,
  attempts_max: 3,
  ...options,
});
const status = (code: number, times = Number.POSITIVE_INFINITY) =>
  serve(file, {
    instead: (_, number) => (number < times ? new Response(null, { status: code }) : undefined),
  });

describe('a small document', () => {
  test('is fetched whole, without a range', async () => {
    const server = serve(file);
    expect(sameBytes(await fetchSmall([server.url], 5_000, quick()), file)).toBe(true);
    expect(server.requests[0]?.get('range')).toBeNull();
  });

  test('is fetched from the next mirror, or again, when that is needed', async () => {
    expect(await fetchSmall([status(404).url, serve(file).url], 5_000, quick())).toHaveLength(5_000);
    expect(await fetchSmall([status(500, 2).url], 5_000, quick())).toHaveLength(5_000);
  });

  test('that breaks off is fetched anew, never pieced together', async () => {
    const server = await serveRaw((socket, _, number) => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n');
      if (number === 0) socket.end('aaaaa');
      else socket.write('bbbbbbbbbb');
    });
    expect(new TextDecoder().decode(await fetchSmall([server.url], 100, quick()))).toBe('bbbbbbbbbb');
  });

  test('that announces too much is refused before it is read', async () => {
    expect(await codeOf(fetchSmall([serve(file).url], 4_999, quick()))).toBe('FETCH_TOO_LARGE');
  });

  test('that has no end is refused where the limit is', async () => {
    const server = await serveRaw((socket) => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      const more = () => {
        while (!socket.destroyed && socket.write(file));
      };
      socket.on('drain', more);
      more();
    });
    expect(await codeOf(fetchSmall([server.url], 100_000, quick()))).toBe('FETCH_TOO_LARGE');
    await eventually(() => server.open === 0);
  });

  test.each([
    [206, 'FETCH_STATUS'],
    [204, 'FETCH_STATUS'],
    [403, 'FETCH_FORBIDDEN'],
    [404, 'FETCH_NOT_FOUND'],
    [500, 'FETCH_GAVE_UP'],
  ])('with status %i is %s', async (code, expected) => {
    expect(await codeOf(fetchSmall([status(code).url], 5_000, quick()))).toBe(expected);
  });

  test('that comes compressed is refused', async () => {
    const server = serve(file, {
      instead: () => new Response(Bun.gzipSync(file), { headers: { 'Content-Encoding': 'gzip' } }),
    });
    expect(await codeOf(fetchSmall([server.url], 5_000, quick()))).toBe('FETCH_ENCODED');
  });

  test('counts against the data cap', async () => {
    expect(await codeOf(fetchSmall([serve(file).url], 9_999, quick({ max_bytes: 4_999 })))).toBe(
      'FETCH_DATA_CAP',
    );
  });

  test('leaves no connection behind', async () => {
    const server = await serveRaw((socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'));
    await fetchSmall([server.url], 10, quick());
    await eventually(() => server.open === 0);
  });
});

describe('whether a file exists', () => {
  test('is answered with its size, for one byte', async () => {
    const server = serve(file);
    expect(await exists([server.url], quick())).toBe(5_000);
    expect(server.requests.map((head) => head.get('range'))).toEqual(['bytes=0-0']);
    expect(await exists([serve(new Uint8Array(0)).url], quick())).toBe(0);
  });

  test.each([404, 410])('is answered with null for status %i', async (code) => {
    expect(await exists([status(code).url], quick())).toBeNull();
    expect(await exists([status(code).url, status(404).url], quick())).toBeNull();
  });

  test('is answered by the mirror that has it', async () => {
    expect(await exists([status(404).url, serve(file).url], quick())).toBe(5_000);
    expect(await exists([status(500).url, serve(file).url], quick({ attempts_max: 9 }))).toBe(5_000);
  });

  test('is answered with null when one mirror says no and the others only fail', async () => {
    const options = quick();
    delete options.attempts_max;
    const failing = status(500);
    expect(await exists([status(404).url, failing.url], options)).toBeNull();
    expect(failing.requests).toHaveLength(MIRROR_TRIES);
    expect(await exists([failing.url, status(404).url], options)).toBeNull();
    expect(await exists([status(404).url, failing.url], quick({ attempts_max: 1 }))).toBeNull();
  });

  test('is not answered when nobody knows', async () => {
    expect(await codeOf(exists([status(403).url], quick()))).toBe('FETCH_FORBIDDEN');
    expect(await codeOf(exists([status(500).url], quick()))).toBe('FETCH_GAVE_UP');
    expect(await codeOf(exists([serve(file).url], quick({ signal: AbortSignal.abort() })))).toBe(
      'FETCH_ABORTED',
    );
  });

  test('is not answered once it is called off, whatever one mirror said', async () => {
    const control = new AbortController();
    const failing = serve(file, {
      instead: () => {
        control.abort();
        return new Response(null, { status: 500 });
      },
    });
    const options = quick({ signal: control.signal });
    expect(await codeOf(exists([status(404).url, failing.url], options))).toBe('FETCH_ABORTED');
  });
});
