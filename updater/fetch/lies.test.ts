import { afterEach, describe, expect, test } from 'vitest';
import { httpSource } from './http-source.ts';
import { fileServer } from './lab/file-server.ts';
import { codeOf, collect, eventually, SteppingClock, sameBytes, sampleFile } from './lab/lab.ts';
import { askedRange, cutBehind, partialHead, rawServer } from './lab/raw-server.ts';

const SIZE_BYTES = 50_000;
const file = sampleFile(SIZE_BYTES);
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

function open(...urls: string[]) {
  const source = httpSource(urls, { clock: new SteppingClock(), stall_timeout_ms: 300, attempts_max: 3 });
  cleanups.push(source.close);
  return source;
}

/** A server that says the same to everyone. */
async function saying(...lines: string[]) {
  return serveRaw((socket) => socket.end(lines.join('\r\n')));
}

describe('an answer that is not what was asked for', () => {
  test('the whole file instead of a range is refused, and the next mirror asked', async () => {
    const whole = serve(file, { instead: () => new Response(file) });
    expect(await codeOf(collect(open(whole.url), 10, 20))).toBe('FETCH_RANGE_IGNORED');
    expect(sameBytes(await collect(open(whole.url, serve(file).url), 10, 20), file.subarray(10, 20))).toBe(
      true,
    );
  });

  test('the whole file is taken where it was asked for from the start', async () => {
    const whole = serve(file, { instead: () => new Response(file) });
    expect(sameBytes(await collect(open(whole.url), 0, 30_000), file.subarray(0, 30_000))).toBe(true);
    expect(await codeOf(collect(open(whole.url), 0, SIZE_BYTES + 1))).toBe('FETCH_RANGE_OUTSIDE');
  });

  test.each([
    'bytes 11-19/50000',
    'bytes 9-19/50000',
    'bytes 10-20/50000',
    'bytes 10-18/50000',
    'bytes 10-19/*',
    'bytes */50000',
    'items 10-19/50000',
    'bytes 10-19/50000, bytes 30-40/50000',
    'bytes 10-19/99999999999999999999999',
    '',
  ])('content range "%s" is refused', async (range) => {
    const server = await saying(
      'HTTP/1.1 206 Partial Content',
      `Content-Range: ${range}`,
      'Content-Length: 10',
      '',
      '0123456789',
    );
    expect(await codeOf(collect(open(server.url), 10, 20))).toBe('FETCH_RANGE_WRONG');
  });

  test('a multipart answer is refused', async () => {
    const server = await saying(
      'HTTP/1.1 206 Partial Content',
      'Content-Type: multipart/byteranges',
      '',
      'x',
    );
    expect(await codeOf(collect(open(server.url), 10, 20))).toBe('FETCH_RANGE_WRONG');
  });

  test.each(['gzip', 'br', 'zstd', 'identity, gzip', 'nonsense'])(
    'encoding "%s" is refused',
    async (encoding) => {
      const server = await serveRaw((socket, request) => {
        socket.end(`${partialHead(request, SIZE_BYTES, [`Content-Encoding: ${encoding}`])}0123456789`);
      });
      expect(await codeOf(collect(open(server.url), 10, 20))).toBe('FETCH_ENCODED');
    },
  );

  test('a range that cannot be satisfied although it lies in the file is an error of the server', async () => {
    const headers = { 'Content-Range': `bytes */${SIZE_BYTES}` };
    const server = serve(file, { instead: () => new Response(null, { status: 416, headers }) });
    expect(await codeOf(collect(open(server.url), 10, 20))).toBe('FETCH_STATUS');
    expect(await codeOf(open(server.url).size_bytes())).toBe('FETCH_STATUS');
  });

  test.each([
    ['garbage', 'GARBAGE\r\n\r\n'],
    ['another protocol', 'SSH-2.0-OpenSSH_9.2\r\n'],
    ['two lengths', 'HTTP/1.1 206 OK\r\nContent-Length: 5\r\nContent-Length: 7\r\n\r\nhello'],
    ['a negative length', 'HTTP/1.1 206 OK\r\nContent-Length: -5\r\n\r\nhello'],
    ['an upgrade', 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n'],
    ['a status of two digits', 'HTTP/1.1 99 What\r\nContent-Length: 0\r\n\r\n'],
  ])('%s instead of an answer is an error, never data', async (_, answer) => {
    const server = await serveRaw((socket) => socket.end(answer));
    expect(await codeOf(collect(open(server.url), 0, 5))).toMatch(/^FETCH_(GAVE_UP|STATUS)$/);
  });
});

describe('a length that is a lie', () => {
  test.each([1, 9, 11, 5_000_000])('%i bytes announced for a range of ten are refused', async (length) => {
    const server = await saying(
      'HTTP/1.1 206 Partial Content',
      `Content-Range: bytes 10-19/${SIZE_BYTES}`,
      `Content-Length: ${length}`,
      '',
      'x'.repeat(length),
    );
    expect(await codeOf(collect(open(server.url), 10, 20))).toBe('FETCH_LENGTH_WRONG');
  });

  test('a body that is longer than its length is cut, and the rest is not taken for the next answer', async () => {
    const evil = `HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 5-9/${SIZE_BYTES}\r\nContent-Length: 5\r\n\r\nEVIL!`;
    const server = await serveRaw((socket, request, number) => {
      const { start_bytes = 0, end_bytes = 0 } = askedRange(request) ?? {};
      const body = Buffer.from(file.subarray(start_bytes, end_bytes)).toString('latin1');
      socket.write(partialHead(request, SIZE_BYTES) + body + (number === 0 ? evil : ''), 'latin1');
    });
    const source = open(server.url);
    expect(sameBytes(await collect(source, 0, 5), file.subarray(0, 5))).toBe(true);
    expect(sameBytes(await collect(source, 5, 10), file.subarray(5, 10))).toBe(true);
    expect(server.connections).toBe(2);
  });

  test('a body without a length that ends early is gone on with', async () => {
    const server = await serveRaw((socket, request) => {
      const { start_bytes = 0, end_bytes = 0 } = askedRange(request) ?? {};
      const range = `bytes ${start_bytes}-${end_bytes - 1}/${SIZE_BYTES}`;
      socket.write(`HTTP/1.1 206 Partial Content\r\nContent-Range: ${range}\r\nConnection: close\r\n\r\n`);
      socket.end(file.subarray(start_bytes, Math.min(start_bytes + 9_000, end_bytes)));
    });
    expect(sameBytes(await collect(open(server.url), 0, SIZE_BYTES), file)).toBe(true);
  });

  test('an endless body is cut at the end that was asked for', async () => {
    const server = await serveRaw((socket, request) => {
      const { start_bytes = 0, end_bytes = 0 } = askedRange(request) ?? {};
      const range = `bytes ${start_bytes}-${end_bytes - 1}/${SIZE_BYTES}`;
      socket.write(`HTTP/1.1 206 Partial Content\r\nContent-Range: ${range}\r\n\r\n`);
      const more = () => {
        while (!socket.destroyed && socket.write(file));
      };
      socket.on('drain', more);
      more();
    });
    const source = open(server.url);
    expect(sameBytes(await collect(source, 0, 40_000), file.subarray(0, 40_000))).toBe(true);
    await eventually(() => server.open === 0);
  });

  test.each([
    ['an endless head', 'HTTP/1.1 206 OK\r\n', `X-Filler: ${'x'.repeat(1000)}\r\n`],
    ['one endless header', 'HTTP/1.1 206 OK\r\nX: ', 'x'.repeat(1000)],
    ['endless interim answers', '', 'HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n'.repeat(30)],
    [
      'an endless chunk extension',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;',
      'x'.repeat(1000),
    ],
  ])('%s ends as an error in bounded time', async (_, head, filler) => {
    const server = await serveRaw((socket) => {
      socket.write(head);
      const more = () => {
        while (!socket.destroyed && socket.write(filler));
      };
      socket.on('drain', more);
      more();
    });
    expect(await codeOf(collect(open(server.url), 0, 10))).toBe('FETCH_GAVE_UP');
    await eventually(() => server.open === 0);
  });
});

describe('a file that changes', () => {
  test('its size between two answers of one mirror', async () => {
    const server = await serveRaw((socket, request, number) => {
      socket.write(`${partialHead(request, SIZE_BYTES + number)}0123456789`);
    });
    const source = open(server.url);
    await collect(source, 0, 10);
    expect(await codeOf(collect(source, 10, 20))).toBe('FETCH_SIZE_CHANGED');
  });

  test('its size by becoming shorter than what is asked for', async () => {
    const server = serve(file, {
      instead: (_, number) =>
        number === 0
          ? undefined
          : new Response(null, { status: 416, headers: { 'Content-Range': 'bytes */100' } }),
    });
    const source = open(server.url);
    await collect(source, 0, 10);
    expect(await codeOf(collect(source, 40_000, 40_010))).toBe('FETCH_SIZE_CHANGED');
  });

  test('its size between two mirrors: the one that differs is left', async () => {
    const other = serve(sampleFile(SIZE_BYTES - 1));
    const first = serve(file, {
      instead: (_, number) => (number === 1 ? new Response(null, { status: 404 }) : undefined),
    });
    const source = open(first.url, other.url);
    expect(await source.size_bytes()).toBe(SIZE_BYTES);
    await expect(collect(source, 10, 20)).rejects.toThrow(/has 49999 bytes now, 50000 before/);
  });

  /** Cuts its first answer in the middle, and answers with other headers from then on. */
  const replaced = (before: readonly string[], after: readonly string[]) =>
    serveRaw((socket, request, number) => {
      const { start_bytes = 0, end_bytes = 0 } = askedRange(request) ?? {};
      socket.write(partialHead(request, SIZE_BYTES, number === 0 ? before : after));
      cutBehind(socket, file.subarray(start_bytes, number === 0 ? 20_000 : end_bytes));
    });
  const DATE = 'Last-Modified: Sat, 21 Nov 2026 06:00:00 GMT';
  const LATER = 'Last-Modified: Sat, 21 Nov 2026 06:00:01 GMT';

  test.each([
    [['ETag: "one"'], ['ETag: "two"']],
    [
      ['ETag: "one"', DATE],
      ['ETag: "two"', DATE],
    ],
    [[DATE], [LATER]],
    [
      ['ETag: W/"one"', DATE],
      ['ETag: W/"one"', LATER],
    ],
  ])('in mid-transfer, told by %j and then %j, is an error', async (before, after) => {
    const server = await replaced(before, after);
    expect(await codeOf(collect(open(server.url), 0, SIZE_BYTES))).toBe('FETCH_CHANGED');
    expect(server.requests).toHaveLength(2);
  });

  test.each([
    [
      ['ETag: "one"', DATE],
      ['ETag: "one"', LATER],
    ],
    [['ETag: W/"one"'], ['ETag: W/"two"']],
    [['ETag: "one"', DATE], [DATE]],
    [['ETag: "one"'], []],
    [[], ['ETag: "two"', LATER]],
  ])('is not seen in %j and then %j', async (before, after) => {
    const server = await replaced(before, after);
    expect(sameBytes(await collect(open(server.url), 0, SIZE_BYTES), file)).toBe(true);
  });

  test('on one mirror is gone on with on the next, whose tags are its own', async () => {
    const server = await replaced(['ETag: "one"'], ['ETag: "two"']);
    const other = serve(file, { headers: { ETag: '"another"' } });
    expect(sameBytes(await collect(open(server.url, other.url), 0, SIZE_BYTES), file)).toBe(true);
    expect(other.requests[0]?.get('range')).toBe('bytes=20000-49999');
  });
});
