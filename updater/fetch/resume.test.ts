import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { httpSource } from './http-source.ts';
import { fileServer } from './lab/file-server.ts';
import { codeOf, collect, SteppingClock, sameBytes, sampleFile } from './lab/lab.ts';
import { askedRange, cutBehind, partialHead, rawServer } from './lab/raw-server.ts';
import { BACKOFF_FIRST_MS, BACKOFF_MAX_MS, MIRROR_TRIES } from './limits.ts';
import type { FetchOptions, Retry } from './options.ts';

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

/** A source whose waiting takes no time, with all that it reported. */
function open(urls: string[], options: FetchOptions = {}) {
  const clock = new SteppingClock();
  const retries: Retry[] = [];
  const source = httpSource(urls, {
    clock,
    random: () => 1,
    onRetry: (retry) => retries.push(retry),
    ...options,
  });
  cleanups.push(source.close);
  return { source, clock, retries };
}

/** Every connection is cut after `cut_bytes` of body. */
function cutter(file: Uint8Array, cut_bytes: number) {
  return serveRaw((socket, request) => {
    const { start_bytes = 0, end_bytes = 0 } = askedRange(request) ?? {};
    socket.write(partialHead(request, file.length));
    cutBehind(socket, file.subarray(start_bytes, Math.min(start_bytes + cut_bytes, end_bytes)));
  });
}

/** Answers, and then sends nothing more. */
function staller(file: Uint8Array, sent_bytes: number) {
  return serveRaw((socket, request) => {
    const { start_bytes = 0 } = askedRange(request) ?? {};
    socket.write(partialHead(request, file.length));
    socket.write(file.subarray(start_bytes, start_bytes + sent_bytes));
  });
}

describe('a connection that is cut', () => {
  test('at every byte of a small file costs nothing but time', async () => {
    const file = sampleFile(97);
    const server = await cutter(file, 1);
    const { source } = open([server.url]);
    expect(sameBytes(await collect(source, 0, 97), file)).toBe(true);
    expect(source.transferred_bytes).toBe(97);
    const asked = server.requests.map((request) => askedRange(request)?.start_bytes);
    expect(asked).toEqual(Array.from({ length: 97 }, (_, at) => at));
  });

  test('once, at any byte of a small file, goes on at exactly that byte', async () => {
    const file = sampleFile(64);
    for (let cut_bytes = 0; cut_bytes < file.length; cut_bytes += 1) {
      const server = await serveRaw((socket, request, number) => {
        const { start_bytes = 0 } = askedRange(request) ?? {};
        socket.write(partialHead(request, file.length));
        if (number === 0) cutBehind(socket, file.subarray(0, cut_bytes));
        else socket.write(file.subarray(start_bytes));
      });
      const { source } = open([server.url]);
      expect(sameBytes(await collect(source, 0, file.length), file)).toBe(true);
      expect(askedRange(server.requests[1] ?? '')).toEqual({ start_bytes: cut_bytes, end_bytes: 64 });
      await server.stop();
    }
  });

  test.each([4096, 65_536, 100_000])('every %i bytes yields every byte once', async (cut_bytes) => {
    const file = sampleFile(1_000_000);
    const { source } = open([(await cutter(file, cut_bytes)).url]);
    expect(sameBytes(await collect(source, 0, file.length), file)).toBe(true);
    expect(source.transferred_bytes).toBe(file.length);
  });

  test('in the moment in which its bytes arrive is answered by asking for fewer', async () => {
    const file = sampleFile(50_000);
    const server = await serveRaw((socket, request) => {
      const { start_bytes = 0, end_bytes = 0 } = askedRange(request) ?? {};
      socket.write(partialHead(request, file.length));
      socket.end(file.subarray(start_bytes, Math.min(start_bytes + 3_000, end_bytes)));
    });
    const { source } = open([server.url]);
    expect(sameBytes(await collect(source, 0, file.length), file)).toBe(true);
  });

  test('wherever and however often, yields the range and nothing else', async () => {
    const file = sampleFile(20_000);
    const place = fc.integer({ min: 0, max: file.length });
    const cuts = fc.array(fc.integer({ min: 0, max: 9_000 }), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(fc.tuple(place, place), cuts, fc.boolean(), async (places, cut_bytes, framed) => {
        const [start, end] = [Math.min(...places), Math.max(...places)];
        const server = await serveRaw((socket, request, number) => {
          const { start_bytes = 0, end_bytes = 0 } = askedRange(request) ?? {};
          const head = partialHead(request, file.length);
          socket.write(framed ? head : head.replace(/Content-Length: .*\r\n/, 'Connection: close\r\n'));
          cutBehind(
            socket,
            file.subarray(start_bytes, Math.min(start_bytes + (cut_bytes[number] ?? 20_000), end_bytes)),
          );
        });
        const { source } = open([server.url]);
        expect(sameBytes(await collect(source, start, end), file.subarray(start, end))).toBe(true);
        expect(source.transferred_bytes).toBe(end - start);
        await server.stop();
      }),
      { numRuns: 60 },
    );
  });

  test('by a reset, in the head or before it, is made again', async () => {
    const file = sampleFile(5_000);
    const server = await serveRaw((socket, request, number) => {
      if (number === 0) socket.resetAndDestroy();
      else if (number === 1) socket.end('HTTP/1.1 206 Partial Con');
      else if (number === 2) socket.end();
      else {
        const { start_bytes, end_bytes } = askedRange(request) ?? {};
        socket.write(partialHead(request, file.length));
        cutBehind(socket, file.subarray(start_bytes, end_bytes));
      }
    });
    const { source, retries } = open([server.url]);
    expect(sameBytes(await collect(source, 0, file.length), file)).toBe(true);
    expect(retries.length).toBeGreaterThanOrEqual(3);
  });
});

test('what broke a connection is told by its code, before the head and behind it', async () => {
  const file = sampleFile(5_000);
  const server = await serveRaw((socket, request, number) => {
    if (number === 1) socket.write(partialHead(request, file.length));
    if (number < 2) setTimeout(() => socket.resetAndDestroy(), 20);
    else socket.end(partialHead(request, file.length) + Buffer.from(file).toString('latin1'), 'latin1');
  });
  const { source, retries } = open([server.url]);
  expect(sameBytes(await collect(source, 0, file.length), file)).toBe(true);
  const told = `FETCH_BROKEN: the connection to ${server.url} failed: ECONNRESET`;
  expect(retries.map(({ reason }) => reason)).toEqual([told, told]);
});

test('a body that becomes garbage is gone on with, too', async () => {
  const server = await serveRaw((socket) => {
    socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n');
    setTimeout(() => socket.end('ZZ\r\n'), 15);
  });
  const { source, retries } = open([server.url], { stall_timeout_ms: 200 });
  // The first five bytes were taken; the rest of a file cannot be had from a server without ranges.
  expect(await codeOf(collect(source, 0, 10))).toBe('FETCH_RANGE_IGNORED');
  expect(retries[0]?.reason).toMatch(/^FETCH_(BROKEN|STALLED)/);
});

describe('a connection that gives nothing', () => {
  test('in the middle of a body counts as stalled and is made again', async () => {
    const file = sampleFile(30_000);
    const stalls = await staller(file, 10_000);
    const { source, retries } = open([stalls.url], { stall_timeout_ms: 300 });
    expect(sameBytes(await collect(source, 0, file.length), file)).toBe(true);
    expect(retries.map(({ reason }) => reason.split(':')[0])).toEqual(['FETCH_STALLED', 'FETCH_STALLED']);
    expect(stalls.open).toBeLessThanOrEqual(1);
  });

  test('before the head, or that drips a head for ever, too', async () => {
    const silent = await serveRaw(() => undefined);
    const drip = await serveRaw((socket) => {
      socket.write('HTTP/1.1 206 Partial Content\r\nX: ');
      const timer = setInterval(() => socket.write('x'), 5);
      socket.on('close', () => clearInterval(timer));
    });
    for (const server of [silent, drip]) {
      const { source } = open([server.url], { stall_timeout_ms: 60, attempts_max: 2 });
      expect(await codeOf(collect(source, 0, 10))).toBe('FETCH_GAVE_UP');
      expect(server.requests).toHaveLength(2);
    }
  });

  test('but drips a byte now and then is left for the next mirror, at the byte reached', async () => {
    const file = sampleFile(20_000);
    const drip = await serveRaw((socket, request) => {
      socket.write(partialHead(request, file.length));
      let at = 0;
      const timer = setInterval(() => socket.write(file.subarray(at, ++at)), 5);
      socket.on('close', () => clearInterval(timer));
    });
    const good = serve(file);
    const retries: Retry[] = [];
    const source = httpSource([drip.url, good.url], {
      rate_window_ms: 120,
      rate_min_bytes_per_s: 2_000,
      onRetry: (retry) => retries.push(retry),
    });
    cleanups.push(source.close);
    expect(sameBytes(await collect(source, 0, file.length), file)).toBe(true);
    expect(drip.requests).toHaveLength(1);
    expect(retries[0]?.reason).toMatch(/^FETCH_SLOW: .* sends only \d+ bytes a second$/);
    const reached = Number(/bytes=(\d+)/.exec(good.requests[0]?.get('range') ?? '')?.[1]);
    expect(reached).toBeGreaterThan(0);
    expect(reached).toBeLessThan(200);
  });

  test('to a reader that takes its time is not the fault of the server', async () => {
    const file = sampleFile(3_000_000);
    const server = serve(file);
    const { source, retries } = open([server.url], {
      stall_timeout_ms: 400,
      rate_window_ms: 400,
      rate_min_bytes_per_s: 1e9,
    });
    let got_bytes = 0;
    for await (const part of source.read(0, file.length)) {
      if (got_bytes === 0) await new Promise((done) => setTimeout(done, 700));
      got_bytes += part.length;
    }
    expect(got_bytes).toBe(file.length);
    expect(retries).toEqual([]);
  });
});

test('a body that arrived whole is read whole, however late, though its connection is closed', async () => {
  const file = sampleFile(3_000_000);
  const server = await serveRaw((socket, request) => {
    socket.write(partialHead(request, file.length, ['Connection: close']));
    socket.end(file);
  });
  const { source, retries } = open([server.url]);
  const parts: Uint8Array[] = [];
  for await (const part of source.read(0, file.length)) {
    parts.push(part);
    await new Promise((done) => setTimeout(done, 15));
  }
  expect(sameBytes(Buffer.concat(parts), file)).toBe(true);
  expect(retries).toEqual([]);
});

describe('mirrors', () => {
  const file = sampleFile(10_000);

  test('that fail two reads at once are left once', async () => {
    const bad = serve(file, { instead: () => new Response(null, { status: 404 }) });
    const good = serve(file);
    const third = serve(file);
    const { source } = open([bad.url, good.url, third.url]);
    const reads = [0, 1, 2, 3].map((at) => collect(source, at * 1_000, (at + 1) * 1_000));
    const got = Buffer.concat(await Promise.all(reads));
    expect(sameBytes(got, file.subarray(0, 4_000))).toBe(true);
    expect(third.requests).toHaveLength(0);
  });

  test('the same is tried first, then the next, and one that works is stayed with', async () => {
    const broken = await serveRaw((socket) => socket.destroy());
    const good = serve(file);
    const { source, clock, retries } = open([broken.url, good.url]);
    expect(sameBytes(await collect(source, 0, 10_000), file)).toBe(true);
    expect(broken.requests).toHaveLength(MIRROR_TRIES);
    expect(retries.map(({ url, attempt }) => [url, attempt])).toEqual([
      [broken.url, 1],
      [broken.url, 2],
      [broken.url, 3],
    ]);
    expect(clock.slept_ms).toEqual([BACKOFF_FIRST_MS, 2 * BACKOFF_FIRST_MS, 0]);
    await collect(source, 0, 10);
    expect(broken.requests).toHaveLength(MIRROR_TRIES);
  });

  test('one that refuses connections is passed over, and the error names no port scan of ours', async () => {
    const gone = await serveRaw(() => undefined);
    await gone.stop();
    const { source, retries } = open([gone.url, serve(file).url]);
    expect(sameBytes(await collect(source, 0, 10_000), file)).toBe(true);
    expect(retries[0]?.reason).toBe(`FETCH_BROKEN: the connection to ${gone.url} failed: ECONNREFUSED`);
  });

  test.each([
    [404, 'FETCH_NOT_FOUND'],
    [410, 'FETCH_NOT_FOUND'],
    [401, 'FETCH_FORBIDDEN'],
    [403, 'FETCH_FORBIDDEN'],
    [400, 'FETCH_STATUS'],
    [204, 'FETCH_STATUS'],
  ])('one that answers %i is asked once and never again; alone it is %s', async (status, code) => {
    const bad = serve(file, { instead: () => new Response(null, { status }) });
    const { source } = open([bad.url, serve(file).url]);
    expect(sameBytes(await collect(source, 0, 10_000), file)).toBe(true);
    await collect(source, 0, 10);
    expect(bad.requests).toHaveLength(1);
    expect(await codeOf(collect(open([bad.url]).source, 0, 10))).toBe(code);
    const both = open([bad.url, serve(file, { instead: () => new Response(null, { status }) }).url]);
    await expect(collect(both.source, 0, 10)).rejects.toThrow(/^none of 2 mirrors can be used: /);
  });

  test('are asked in turns for as long as it takes', async () => {
    const first = await cutter(file, 0);
    let tries = 0;
    const second = serve(file, {
      instead: () => (tries < 7 && ++tries ? new Response(null, { status: 502 }) : undefined),
    });
    const { source } = open([first.url, second.url]);
    expect(sameBytes(await collect(source, 0, 10_000), file)).toBe(true);
    // Three of each, three of each, three of the first, and the second failed once more.
    expect(first.requests).toHaveLength(3 * MIRROR_TRIES);
    expect(tries).toBe(2 * MIRROR_TRIES + 1);
  });
});

describe('waiting', () => {
  const file = sampleFile(10_000);
  const failing = (status: number, headers: Record<string, string>, times: number) =>
    serve(file, {
      instead: (_, number) => (number < times ? new Response(null, { status, headers }) : undefined),
    });

  test('grows with every failure up to its limit, drawn at random below it', async () => {
    const { source, clock } = open([failing(500, {}, 12).url], { random: () => 0.5 });
    await collect(source, 0, 10);
    const steps = Array.from(
      { length: 12 },
      (_, at) => Math.min(BACKOFF_FIRST_MS * 2 ** at, BACKOFF_MAX_MS) / 2,
    );
    expect(clock.slept_ms).toEqual(steps);
  });

  test('begins anew after progress', async () => {
    const { source, clock } = open([(await cutter(file, 4096)).url]);
    await collect(source, 0, 10_000);
    expect(clock.slept_ms).toEqual([BACKOFF_FIRST_MS, BACKOFF_FIRST_MS]);
  });

  test.each([429, 503])('is as long as status %i asks for', async (status) => {
    const { source, clock } = open([failing(status, { 'Retry-After': '77' }, 1).url]);
    await collect(source, 0, 10);
    expect(clock.slept_ms).toEqual([77_000]);
  });

  test('is not spent on a mirror that asks for a pause while another is there', async () => {
    const busy = failing(503, { 'Retry-After': '77' }, 1);
    const { source, clock } = open([busy.url, serve(file).url]);
    await collect(source, 0, 10);
    expect(clock.slept_ms).toEqual([0]);
    expect(busy.requests).toHaveLength(1);
  });

  test('ends after the number of failures that was given, with the last of them as cause', async () => {
    const server = failing(500, {}, 99);
    const { source } = open([server.url], { attempts_max: 4 });
    await expect(collect(source, 0, 10)).rejects.toMatchObject({
      code: 'FETCH_GAVE_UP',
      cause: { code: 'FETCH_STATUS', message: `${server.url} answered with status 500` },
    });
    expect(server.requests).toHaveLength(4);
  });

  test('ends when the time that was given passed without progress', async () => {
    const { source, clock } = open([failing(500, {}, 99).url], { retry_for_ms: 10_000 });
    expect(await codeOf(collect(source, 0, 10))).toBe('FETCH_GAVE_UP');
    expect(clock.slept_ms).toEqual([1000, 2000, 4000, 8000]);
  });

  test('does not count failures between which something arrived', async () => {
    const { source } = open([(await cutter(file, 4096)).url], { attempts_max: 2, retry_for_ms: 1 });
    expect(sameBytes(await collect(source, 0, 10_000), file)).toBe(true);
  });
});
