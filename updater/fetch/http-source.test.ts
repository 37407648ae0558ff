import { afterEach, describe, expect, test } from 'vitest';
import { readRange } from '../source.ts';
import { httpSource } from './http-source.ts';
import { fileServer } from './lab/file-server.ts';
import { codeOf, collect, eventually, sameBytes, sampleFile } from './lab/lab.ts';
import { askedRange, partialHead, rawServer } from './lab/raw-server.ts';

const SIZE_BYTES = 1_000_000;
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

function open(...args: Parameters<typeof httpSource>) {
  const source = httpSource(...args);
  cleanups.push(source.close);
  return source;
}

describe('a range', () => {
  test.each([
    [0, SIZE_BYTES],
    [0, 1],
    [1, 2],
    [SIZE_BYTES - 1, SIZE_BYTES],
    [123_456, 789_012],
  ])('from %i to %i is exactly those bytes', async (start, end) => {
    const source = open([serve(file).url]);
    expect(sameBytes(await collect(source, start, end), file.subarray(start, end))).toBe(true);
    expect(source.transferred_bytes).toBe(end - start);
  });

  test('of no bytes asks nobody', async () => {
    const server = serve(file);
    expect(await collect(open([server.url]), 5, 5)).toHaveLength(0);
    expect(server.requests).toHaveLength(0);
  });

  test('is asked for as it is, unencoded', async () => {
    const server = serve(file);
    await readRange(open([server.url]), 10, 20);
    expect(server.requests[0]?.get('range')).toBe('bytes=10-19');
    expect(server.requests[0]?.get('accept-encoding')).toBe('identity');
    expect(server.requests[0]?.get('user-agent')).toMatch(/^bulkhead\/\d/);
    expect(server.requests[0]?.get('authorization')).toBeNull();
  });

  test('beyond the end is an error, known size or not, and the source stays usable', async () => {
    const source = open([serve(file).url]);
    await source.size_bytes();
    expect(await codeOf(collect(source, 0, SIZE_BYTES + 1))).toBe('FETCH_RANGE_OUTSIDE');
    expect(await collect(source, 5, 9)).toEqual(file.slice(5, 9));
    expect(await codeOf(collect(open([serve(file).url]), 0, SIZE_BYTES + 1))).toBe('FETCH_RANGE_OUTSIDE');
    const behind = collect(open([serve(file).url]), SIZE_BYTES, SIZE_BYTES + 1);
    expect(await codeOf(behind)).toBe('FETCH_RANGE_OUTSIDE');
  });

  test('may be read while another is', async () => {
    const source = open([serve(file).url]);
    const [one, two] = await Promise.all([collect(source, 0, 500_000), collect(source, 400_000, 900_000)]);
    expect(sameBytes(one, file.subarray(0, 500_000))).toBe(true);
    expect(sameBytes(two, file.subarray(400_000, 900_000))).toBe(true);
  });
});

describe('the size', () => {
  test('is asked for once, with one byte', async () => {
    const server = serve(file);
    const source = open([server.url]);
    expect(await source.size_bytes()).toBe(SIZE_BYTES);
    expect(await source.size_bytes()).toBe(SIZE_BYTES);
    expect(server.requests).toHaveLength(1);
    expect(source.transferred_bytes).toBe(1);
  });

  test('is known after a range without asking', async () => {
    const server = serve(file);
    const source = open([server.url]);
    await readRange(source, 7, 9);
    expect(await source.size_bytes()).toBe(SIZE_BYTES);
    expect(server.requests).toHaveLength(1);
  });

  test('of an empty file is 0', async () => {
    const source = open([serve(new Uint8Array(0)).url]);
    expect(await source.size_bytes()).toBe(0);
  });

  test('comes from a server without ranges, too, and its file is not fetched for it', async () => {
    const server = await serveRaw((socket) => {
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${SIZE_BYTES}\r\n\r\n`);
      socket.write(file.subarray(0, 1000));
    });
    const source = open([server.url]);
    expect(await source.size_bytes()).toBe(SIZE_BYTES);
    await eventually(() => server.open === 0);
  });

  test('that nobody tells is an error', async () => {
    const server = await serveRaw((socket) => {
      socket.end('HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nabc');
    });
    expect(await codeOf(open([server.url]).size_bytes())).toBe('FETCH_SIZE_UNKNOWN');
  });
});

describe('connections', () => {
  test('one serves many ranges', async () => {
    const server = await serveRaw((socket, request) => {
      const { start_bytes = 0, end_bytes = 0 } = askedRange(request) ?? {};
      socket.write(partialHead(request, SIZE_BYTES));
      socket.write(file.subarray(start_bytes, end_bytes));
    });
    const source = open([server.url]);
    await source.size_bytes();
    for (let at = 0; at < 20; at += 1) await readRange(source, at * 1000, at * 1000 + 500);
    expect(server.requests).toHaveLength(21);
    expect(server.connections).toBe(1);
    await source.close();
  });

  test('that the server gave up while it was kept is made anew, and that is no failure', async () => {
    const served = new Set<unknown>();
    const server = await serveRaw((socket, request) => {
      if (served.has(socket)) return void socket.destroy();
      served.add(socket);
      const { start_bytes = 0, end_bytes = 0 } = askedRange(request) ?? {};
      socket.write(partialHead(request, SIZE_BYTES));
      socket.write(file.subarray(start_bytes, end_bytes));
    });
    const source = open([server.url], { attempts_max: 1 });
    for (let at = 0; at < 5; at += 1)
      expect(sameBytes(await readRange(source, at, at + 9), file.subarray(at, at + 9))).toBe(true);
    expect(server.connections).toBe(5);
  });

  test('leaving the loop early ends the transfer and its connection', async () => {
    const server = await serveRaw((socket, request) => {
      socket.write(partialHead(request, SIZE_BYTES));
      socket.write(file.subarray(0, 1000));
    });
    const source = open([server.url]);
    for (let round = 0; round < 10; round += 1)
      for await (const part of source.read(0, SIZE_BYTES)) if (part.length > 0) break;
    await eventually(() => server.open === 0);
    expect(server.connections).toBe(10);
  });

  test('an answer that goes on behind the range is cut and left', async () => {
    const server = await serveRaw((socket) => {
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${SIZE_BYTES}\r\n\r\n`);
      socket.write(file.subarray(0, 5000));
    });
    const source = open([server.url]);
    expect(await collect(source, 0, 300)).toEqual(file.slice(0, 300));
    await eventually(() => server.open === 0);
  });
});

describe('an end from outside', () => {
  const stalled = () =>
    serveRaw((socket, request) => {
      socket.write(partialHead(request, SIZE_BYTES));
      socket.write(file.subarray(0, 1000));
    });

  test('the signal ends a transfer that waits for the server', async () => {
    const server = await stalled();
    const control = new AbortController();
    const source = open([server.url], { signal: control.signal });
    const reading = codeOf(collect(source, 0, SIZE_BYTES));
    await eventually(() => server.open === 1);
    control.abort();
    expect(await reading).toBe('FETCH_ABORTED');
    await eventually(() => server.open === 0);
    expect(await codeOf(collect(source, 0, 10))).toBe('FETCH_ABORTED');
  });

  test('the signal ends a wait for the next try', async () => {
    const server = await serveRaw((socket) => socket.destroy());
    const control = new AbortController();
    const retried = Promise.withResolvers<void>();
    const source = open([server.url], {
      signal: control.signal,
      random: () => 1,
      onRetry: () => retried.resolve(),
    });
    const reading = codeOf(collect(source, 0, SIZE_BYTES));
    await retried.promise;
    control.abort();
    expect(await reading).toBe('FETCH_ABORTED');
  });

  test('a signal that was given before asks nobody', async () => {
    const server = await stalled();
    const source = open([server.url], { signal: AbortSignal.abort() });
    expect(await codeOf(collect(source, 0, 10))).toBe('FETCH_ABORTED');
    expect(server.connections).toBe(0);
  });

  test('closing ends what goes on, and what is asked for afterwards is refused', async () => {
    const server = await stalled();
    const source = open([server.url]);
    const reading = codeOf(collect(source, 0, SIZE_BYTES));
    await eventually(() => server.open === 1);
    await source.close();
    expect(await reading).toBe('FETCH_CLOSED');
    expect(await codeOf(collect(source, 0, 10))).toBe('FETCH_CLOSED');
    await eventually(() => server.open === 0);
  });
});
